//! Words of pages that change the account, or let a phone in.

use super::parts::{link, number};
use crate::clock::Time;
use crate::pages::{Block, Field, Form, Page};
use crate::prompts::ceremony::Ceremony;
use crate::sign_in::session::Change;

/// The number that a change of the account waits for.
#[must_use]
pub fn change_number(change: &Change, ceremony: &Ceremony, now: Time) -> Page {
    let (name, lead) = match change {
        Change::AddMethod => ("add-number", "To add a sign-in method, enter this number on your phone."),
        Change::RemoveMethod(_) => ("remove-number", "To remove a sign-in method, enter this number on your phone."),
        Change::ReportLost(_) => {
            ("lost-number", "To say that a phone is lost, enter this number on another phone of yours.")
        }
        Change::CreatePass => ("pass-number", "To make a pass, enter this number on your phone."),
    };
    number(name, "Approve on your phone", lead, ceremony, now)
        .form(Form::main("finish", "/security-info/step-up/finish", "Continue").on_turn())
        .form(Form::quiet("cancel", "/security-info/step-up/cancel", "Cancel"))
        .turning("/security-info/step-up/events")
}

/// A change that did not happen.
#[must_use]
pub fn not_changed(change: &Change, why: &str) -> Page {
    let (name, title) = match change {
        Change::AddMethod => ("not-added", "Nothing was added"),
        Change::RemoveMethod(_) => ("not-removed", "Nothing was removed"),
        Change::ReportLost(_) => ("not-reported", "Nothing was changed"),
        Change::CreatePass => ("no-pass", "No pass was made"),
    };
    Page::new(name, title).and(Block::Outcome(why.to_owned())).and(link(
        "back",
        "/security-info",
        "Back to security info",
        "button main",
    ))
}

/// Nobody can approve a change.
#[must_use]
pub fn no_phone_for(change: &Change) -> &'static str {
    match change {
        Change::AddMethod | Change::RemoveMethod(_) | Change::CreatePass => {
            "None of your phones can approve this now. If phone sign-in was turned off in the last day, wait until the day is over, or ask your administrator."
        }
        Change::ReportLost(_) => {
            "This is your only phone, so nothing else can confirm that it's you. Ask your administrator to report it lost and to give you a pass for a new one."
        }
    }
}

/// News on the security-info page.
pub const LOST: &str =
    "The phone is reported lost. It can't approve anything any more, and what was signed in through it has ended.";

/// The policy does not offer the app.
#[must_use]
pub fn not_offered() -> Page {
    Page::new("not-offered", "Your organization doesn't offer this")
        .and(Block::Outcome(
            "You can't add the authenticator app here. Your administrator decides who may use it, and how.".to_owned(),
        ))
        .and(link("back", "/security-info", "Back to security info", "button main"))
}

/// Registering a phone: agreed to by name.
#[must_use]
pub fn register_phone(name: &str, model: &str) -> Page {
    Page::new("register-phone", "Register this phone?")
        .and(Block::Facts(vec![
            ("Phone", name.to_owned(), "phone-name"),
            ("Model", model.to_owned(), "phone-model"),
        ]))
        .text("Registered, this phone signs you in without a password. Your organization sees its name and model. It does not manage the phone.")
        .form(Form::main("register", "/register-phone", "Register"))
        .form(Form::quiet("cancel", "/register-phone/cancel", "Cancel"))
}

/// Adding a phone that sent the person here: agreed to by name, with the digits that it shows.
#[must_use]
pub fn add_phone(name: &str, model: &str, problem: Option<&str>) -> Page {
    Page::new("add-phone", "Add this phone?")
        .and(Block::Facts(vec![
            ("Phone", name.to_owned(), "phone-name"),
            ("Model", model.to_owned(), "phone-model"),
        ]))
        .text("Added, this phone approves sign-ins for you. Your organization sees its name and model. It does not manage the phone.")
        .form(Form::main("register", "/register-phone", "Add").asking(Field::digits("Six digits that the phone shows")))
        .form(Form::quiet("cancel", "/register-phone/cancel", "Cancel"))
        .text("Type only what the phone in your own hand shows. If somebody sent you here, or told you the digits, cancel.")
        .problem(problem)
}

/// Other digits than the phone shows.
pub const WRONG_PHONE_DIGITS: &str =
    "Those are not the digits on your phone. Look at the phone that you started on, and type what it shows.";

/// Other digits three times.
#[must_use]
pub fn too_many_digits() -> Page {
    Page::new("too-many-digits", "No phone was added").and(Block::Outcome(
        "The digits were wrong three times, so this has ended. Your account is unchanged. Open Countersign on your phone and start again.".to_owned(),
    ))
}

/// The policy does not offer the app to whoever came from a phone.
#[must_use]
pub fn not_offered_to_phone() -> Page {
    Page::new("not-offered", "Your organization doesn't offer this")
        .and(Block::Outcome(
            "You can't use the authenticator app for this account. Your administrator decides who may use it, and how."
                .to_owned(),
        ))
        .form(Form::main("back", "/register-phone/not-offered", "Back to the app"))
}

/// The first method needs a pass.
#[must_use]
pub fn pass_needed() -> Page {
    Page::new("pass-needed", "You need a Temporary Access Pass")
        .and(Block::Outcome(
            "Your organization lets you add your first phone with a pass only. Ask your administrator for one."
                .to_owned(),
        ))
        .and(link("use-pass", "/sign-in/pass", "I have a pass", "button main"))
        .and(link("start-over", "/sign-in", "Sign in as somebody else", ""))
}

/// A registration that has run out, was used, or belongs to no device any more.
#[must_use]
pub fn stale_registration() -> Page {
    Page::new("stale-registration", "This can't go on").and(Block::Outcome(
        "The request of your phone is too old, or was used already. Nothing was changed. Open Countersign on your phone and start again.".to_owned(),
    ))
}

/// Somebody signed in who does not own the phone.
#[must_use]
pub fn other_persons_phone() -> Page {
    Page::new("other-persons-phone", "This phone belongs to another account")
        .and(Block::Outcome(
            "The phone that sent you here is on somebody else's account. Nothing was registered. Did somebody send you a link? Close this page.".to_owned(),
        ))
        .and(link("start-over", "/sign-in", "Sign in as somebody else", ""))
}
