//! Texts of the sign-in pages.

use super::parts::{TOO_OFTEN, link, not_approved, number};
use super::phone;
use crate::clock::Time;
use crate::pages::{Block, Field, Form, Page};
use crate::prompts::acts::NotStarted;
use crate::prompts::ceremony::{Ceremony, Kind, Match, Outcome};
use crate::prompts::rules::Refusal;
use crate::sign_in::flow::Note;

/// The start page, `/`.
#[must_use]
pub fn home() -> Page {
    Page::new("home", "Your sign-in").text("Sign in to see and change your sign-in methods.").and(link(
        "sign-in",
        "/sign-in",
        "Sign in",
        "button main",
    ))
}

/// Asks for the user name.
#[must_use]
pub fn user_name(application: Option<&str>, note: Option<Note>, problem: Option<&str>) -> Page {
    let page = Page::new("user-name", "Sign in");
    let page = match note {
        Some(note) => page.and(Block::Outcome(starts_again(note).to_owned())),
        None => page,
    };
    let page = match application {
        Some(application) => page.text(format!("to continue to {application}")),
        None => page,
    };
    page.form(Form::main("next", "/sign-in", "Next").asking(Field {
        id: "user-name",
        name: "user_name",
        label: "User name",
        autocomplete: "username",
        ..Field::text()
    }))
    .problem(problem)
}

/// Says why the sign-in starts again.
fn starts_again(note: Note) -> &'static str {
    match note {
        Note::TookTooLong => "This sign-in took too long, or ended in another tab. Start again here.",
        Note::SessionEnded => "Your session has ended. Sign in again to continue.",
    }
}

/// Shown when another tab has started a newer sign-in. A browser can have one sign-in at a time.
#[must_use]
pub fn other_tab(application: Option<&str>) -> Page {
    let again = application.map_or("Sign in here".to_owned(), |application| format!("Sign in to {application} here"));
    Page::new("other-tab", "You continued in another tab")
        .and(Block::Outcome(
            "You can have one sign-in at a time in a browser. You started one in another tab, so this one has ended."
                .to_owned(),
        ))
        .and(link("sign-in", "/sign-in", &again, "button main"))
}

/// Shows the number that the person enters or chooses on the phone to sign in. A browser that proved nothing gets
/// `phone::unproven_number` instead of this page.
#[must_use]
pub fn sign_in_number(ceremony: &Ceremony, now: Time) -> Page {
    let chosen = matches!(ceremony.r#match, Match::Choose { .. });
    let lead = match (ceremony.quiet, chosen) {
        (true, false) => "Open Countersign on your phone, check for requests, and enter this number.",
        (true, true) => "Open Countersign on your phone, check for requests, and choose this number.",
        (false, false) => "Open the request in Countersign on your phone and enter this number.",
        (false, true) => "Open the request in Countersign on your phone and choose this number.",
    };
    let page = number("number", "Approve on your phone", lead, ceremony, now)
        .text("No request on your phone? Open Countersign and check for requests.")
        .form(Form::main("finish", "/sign-in/finish", "Continue").on_turn())
        .turning("/sign-in/events");
    let page = if ceremony.kind == Kind::PhoneSignIn { phone::with_password_link(page) } else { page };
    page.form(Form::quiet("cancel", "/sign-in/cancel", "Cancel"))
}

/// Says that the person is not signed in, and why the request was not approved.
#[must_use]
pub fn sign_in_over(outcome: Outcome) -> Page {
    Page::new("outcome", "You're not signed in")
        .and(Block::Outcome(not_approved(outcome).to_owned()))
        .form(Form::main("again", "/sign-in/again", "Try again"))
        .and(link("start-over", "/sign-in", "Sign in as somebody else", ""))
}

/// Says why no request was sent to a phone after the password or the pass.
#[must_use]
pub fn not_started(why: NotStarted) -> Page {
    let (title, text) = match why {
        NotStarted::NoPhone | NotStarted::OldApp => (
            "No phone can answer",
            "No phone on your account can answer now. Ask your administrator to reset your sign-in methods.",
        ),
        NotStarted::PasswordChanged => {
            ("Sign in again", "The password was changed a moment ago. Start again with the new one.")
        }
        NotStarted::Refused(Refusal::Blocked) => (
            "Number matching is paused",
            "A wrong number was entered three times. Open Countersign on your phone, choose this account, and choose “Let me try again”.",
        ),
        NotStarted::Refused(Refusal::Reported) => (
            "Sign-in from here is paused",
            "A sign-in with your password was reported as not yours. Change your password first, or use a browser you have signed in with before.",
        ),
        NotStarted::Refused(Refusal::TooOften) => ("Too many requests", TOO_OFTEN),
        NotStarted::Refused(Refusal::TooMany) => {
            ("Requests are already waiting", "Answer the request on your phone, or wait until it ends, then try again.")
        }
    };
    Page::new("not-started", title).and(Block::Outcome(text.to_owned())).form(Form::main(
        "again",
        "/sign-in/again",
        "Try again",
    ))
}

/// Shown after the password or the pass, before a session starts in which the person can only add a phone.
#[must_use]
pub fn more_information() -> Page {
    Page::new("more-information", "More information required")
        .text("Your organization requires a second way to confirm that it's you. You can set it up in about a minute. Have your phone ready.")
        .form(Form::main("next", "/more-information", "Next"))
        .and(link("other-name", "/sign-in", "Sign in as somebody else", ""))
}

/// Shows a link to the application. The script follows this link. If the script does not run, the person follows the
/// link.
#[must_use]
pub fn leaving(application: &str, address: &str) -> Page {
    Page::new("leaving", format!("Opening {application}"))
        .text(format!("If {application} does not open by itself, use the button."))
        .and(link("leave", address, &format!("Continue to {application}"), "button main"))
}

/// Says that the person has signed out.
#[must_use]
pub fn signed_out() -> Page {
    Page::new("signed-out", "You're signed out").text("You can close this page.").and(link(
        "sign-in",
        "/sign-in",
        "Sign in again",
        "button main",
    ))
}
