//! Texts of phone sign-in.

use super::parts::{TOO_OFTEN, link};
use crate::pages::{Block, Form, Page};
use crate::prompts::acts::NotStarted;
use crate::prompts::rules::Refusal;

/// The number page of a browser that proved nothing. The page is the same whether a ceremony exists or not.
#[must_use]
pub fn unproven_number(number: &str, ends_in: i64) -> Page {
    with_password_link(
        Page::new("number", "Approve on your phone")
            .text("Open the request in Countersign on your phone and enter this number.")
            .and(Block::Number { number: number.to_owned(), ends_in })
            .text("No request on your phone? Open Countersign and check for requests.")
            .form(Form::main("finish", "/sign-in/finish", "Continue").on_turn())
            .turning("/sign-in/events"),
    )
    .form(Form::quiet("cancel", "/sign-in/cancel", "Cancel"))
}

/// Replaces the page `unproven_number` after one minute. The page does not reveal how the ceremony ended, or whether
/// there was one.
#[must_use]
pub fn unproven_over() -> Page {
    with_password_link(
        Page::new("outcome", "You're not signed in")
            .and(Block::Outcome("This was not approved in time. Your account is unchanged. Try again when you have your phone with you.".to_owned()))
            .form(Form::main("again", "/sign-in/again", "Try again")),
    )
    .and(link("start-over", "/sign-in", "Sign in as somebody else", ""))
}

/// Adds the link to the password page. The pages of phone sign-in with a number or a problem have this link.
pub(super) fn with_password_link(page: Page) -> Page {
    page.and(link("use-password", "/sign-in/password", "Use your password instead", ""))
}

/// Shown in a browser that proved nothing, after the approval and before the sign-in. The page names the account and
/// asks the person whether it is their own.
#[must_use]
pub fn name_account(display_name: &str, user_name: &str) -> Page {
    Page::new("name-account", format!("Sign in as {display_name}?"))
        .text(user_name.to_owned())
        .text("This account was not used in this browser before. Continue only if this is you.")
        .form(Form::main("continue", "/sign-in/continue", "Continue"))
        .and(link("start-over", "/sign-in", "That's not me", ""))
}

/// Says in a known browser why no request was sent to the phone.
#[must_use]
pub fn phone_not_started(why: NotStarted) -> Page {
    let text = match why {
        NotStarted::NoPhone | NotStarted::OldApp | NotStarted::PasswordChanged => {
            "Phone sign-in isn't turned on. Use your password now. Then turn it on in Countersign on your phone."
        }
        NotStarted::Refused(Refusal::Blocked) => {
            "A wrong number was entered three times. Open Countersign on your phone, choose this account, and choose “Let me try again”."
        }
        NotStarted::Refused(Refusal::TooOften) => TOO_OFTEN,
        NotStarted::Refused(Refusal::Reported | Refusal::TooMany) => {
            "A request is already waiting. Answer it on your phone, or wait until it ends, then try again."
        }
    };
    with_password_link(
        Page::new("not-started", "No request was sent to your phone")
            .and(Block::Outcome(text.to_owned()))
            .form(Form::main("again", "/sign-in/again", "Try again")),
    )
}

/// Shown when the user name was typed so often that every three-digit number is already in use for this name. The page
/// is the same whether the name exists or not.
#[must_use]
pub fn name_tried_too_often() -> Page {
    let text = "This user name was typed too often. Use your password, or try again in ten minutes.";
    with_password_link(Page::new("not-started", "Too many tries").and(Block::Outcome(text.to_owned())))
}
