//! Words of pages that change the account, or let a phone in.

use super::{link, number};
use crate::clock::Time;
use crate::pages::{Block, Form, Page};
use crate::prompts::records::Ceremony;
use crate::sign_in::records::Change;

/// The number that a change of the account waits for.
#[must_use]
pub fn change_number(change: &Change, ceremony: &Ceremony, now: Time) -> Page {
    let (name, lead) = match change {
        Change::AddMethod => ("add-number", "To add a sign-in method, enter this number on your phone."),
        Change::RemoveMethod(_) => ("remove-number", "To remove a sign-in method, enter this number on your phone."),
        Change::ReportLost(_) => {
            ("lost-number", "To say that a phone is lost, enter this number on another phone of yours.")
        }
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
        Change::AddMethod | Change::RemoveMethod(_) => {
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
    Page::new("not-offered", "Your organisation doesn't offer this")
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
        .text("Registered, this phone signs you in without a password. Your organisation sees its name and model. It does not manage the phone.")
        .form(Form::main("register", "/register-phone", "Register"))
        .form(Form::quiet("cancel", "/register-phone/cancel", "Cancel"))
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
