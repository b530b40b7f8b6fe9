//! Words of phone sign-in.

use super::parts::{TOO_OFTEN, link};
use crate::pages::{Block, Form, Page};
use crate::prompts::acts::NotStarted;
use crate::prompts::rules::Refusal;

/// The number of a browser that proved nothing; the same words whatever lies behind it.
#[must_use]
pub fn unproven_number(number: &str, ends_in: i64) -> Page {
    ways_out(
        Page::new("number", "Approve on your phone")
            .text("Open the request in Countersign on your phone and enter this number.")
            .and(Block::Number { number: number.to_owned(), ends_in })
            .text("No request on your phone? Open Countersign and check for requests.")
            .form(Form::main("finish", "/sign-in/finish", "Continue").on_turn())
            .turning("/sign-in/events"),
    )
    .form(Form::quiet("cancel", "/sign-in/cancel", "Cancel"))
}

/// Its end; the same words whatever became of it.
#[must_use]
pub fn unproven_over() -> Page {
    ways_out(
        Page::new("outcome", "You're not signed in")
            .and(Block::Outcome("Nobody approved this in time. Try again when your phone is at hand.".to_owned()))
            .form(Form::main("again", "/sign-in/again", "Try again")),
    )
    .and(link("start-over", "/sign-in", "Sign in as somebody else", ""))
}

/// Phone sign-in always leads out to the password.
pub(super) fn ways_out(page: Page) -> Page {
    page.and(link("use-password", "/sign-in/password", "Use your password instead", ""))
}

/// Whose account a new browser is about to be signed in to.
#[must_use]
pub fn name_account(display_name: &str, user_name: &str) -> Page {
    Page::new("name-account", format!("Sign in as {display_name}?"))
        .text(user_name.to_owned())
        .text("This browser is new to the account. Go on only if this is you.")
        .form(Form::main("continue", "/sign-in/continue", "Continue"))
        .and(link("start-over", "/sign-in", "That's not me", ""))
}

/// A known browser is told why its phone was not asked.
#[must_use]
pub fn phone_not_started(why: NotStarted) -> Page {
    let text = match why {
        NotStarted::NoPhone | NotStarted::PasswordChanged => {
            "Phone sign-in isn't turned on. Use your password now; then turn it on in Countersign on your phone."
        }
        NotStarted::Refused(Refusal::Blocked) => {
            "A wrong number was entered three times. Open Countersign on your phone, choose this account, and choose “Let me try again”."
        }
        NotStarted::Refused(Refusal::TooOften) => TOO_OFTEN,
        NotStarted::Refused(Refusal::Reported | Refusal::TooMany) => {
            "There is a request waiting already. Answer it on your phone, or wait until it ends, then try again."
        }
    };
    ways_out(
        Page::new("not-started", "Your phone was not asked").and(Block::Outcome(text.to_owned())).form(Form::main(
            "again",
            "/sign-in/again",
            "Try again",
        )),
    )
}

/// A name that was typed so often that no number is left for it; the same whether somebody has it or not.
#[must_use]
pub fn name_worn_out() -> Page {
    let text =
        "This user name was typed too often in the last minutes. Use your password, or try again in ten minutes.";
    ways_out(Page::new("not-started", "Not now").and(Block::Outcome(text.to_owned())))
}
