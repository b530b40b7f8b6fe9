//! Texts of pages that change the account or add a phone.

use super::parts::{link, number};
use crate::clock::Time;
use crate::pages::{Block, Field, Form, Page};
use crate::prompts::ceremony::Ceremony;
use crate::sign_in::session::Change;

/// Shows the number that the person enters on a phone to approve a change of the account.
#[must_use]
pub fn change_number(change: &Change, ceremony: &Ceremony, now: Time) -> Page {
    let (name, lead) = match change {
        Change::AddMethod => ("add-number", "To add a sign-in method, enter this number on your phone."),
        Change::RemoveMethod(_) => ("remove-number", "To remove a sign-in method, enter this number on your phone."),
        Change::ReportLost(_) => {
            ("lost-number", "To report a phone lost, enter this number on another of your phones.")
        }
        Change::CreatePass => ("pass-number", "To create a pass, enter this number on your phone."),
    };
    number(name, "Approve on your phone", lead, ceremony, now)
        .form(Form::main("finish", "/security-info/step-up/finish", "Continue").on_turn())
        .form(Form::quiet("cancel", "/security-info/step-up/cancel", "Cancel"))
        .turning("/security-info/step-up/events")
}

/// Says that the change was not made, and why.
#[must_use]
pub fn not_changed(change: &Change, why: &str) -> Page {
    let (name, title) = match change {
        Change::AddMethod => ("not-added", "Nothing was added"),
        Change::RemoveMethod(_) => ("not-removed", "Nothing was removed"),
        Change::ReportLost(_) => ("not-reported", "Nothing was changed"),
        Change::CreatePass => ("no-pass", "No pass was created"),
    };
    Page::new(name, title).and(Block::Outcome(why.to_owned())).and(link(
        "back",
        "/security-info",
        "Back to security info",
        "button main",
    ))
}

/// Says why no phone can approve a change.
#[must_use]
pub fn no_phone_for(change: &Change) -> &'static str {
    match change {
        Change::AddMethod | Change::RemoveMethod(_) | Change::CreatePass => {
            "None of your phones can approve this now. If phone sign-in was turned off in the last 24 hours, wait until 24 hours have passed, or ask your administrator."
        }
        Change::ReportLost(_) => {
            "This is your only phone, so no other phone can confirm that it's you. Ask your administrator to report it lost and to give you a pass for a new one."
        }
    }
}

/// Shown on the security-info page after a phone was reported lost.
pub const LOST: &str =
    "The phone is reported lost. It can no longer approve anything, and sessions that it approved have ended.";

/// Shown when the policy does not let the person add a phone on the security-info page.
#[must_use]
pub fn not_offered() -> Page {
    Page::new("not-offered", "Your organization doesn't offer this")
        .and(Block::Outcome(
            "You can't add the authenticator app here. Your administrator decides who may use it, and how.".to_owned(),
        ))
        .and(link("back", "/security-info", "Back to security info", "button main"))
}

/// Asks the person to agree to phone sign-in on the named phone.
#[must_use]
pub fn register_phone(name: &str, model: &str) -> Page {
    Page::new("register-phone", "Register this phone?")
        .and(Block::Facts(vec![
            ("Phone", name.to_owned(), "phone-name"),
            ("Model", model.to_owned(), "phone-model"),
        ]))
        .text("If you register it, you can use this phone to sign in without a password. Your organization sees its name and model. It does not manage the phone.")
        .form(Form::main("register", "/register-phone", "Register"))
        .form(Form::quiet("cancel", "/register-phone/cancel", "Cancel"))
}

/// Asks the person to agree to add the named phone, and to type the digits that the phone shows.
#[must_use]
pub fn add_phone(name: &str, model: &str, problem: Option<&str>) -> Page {
    Page::new("add-phone", "Add this phone?")
        .and(Block::Facts(vec![
            ("Phone", name.to_owned(), "phone-name"),
            ("Model", model.to_owned(), "phone-model"),
        ]))
        .text("If you add it, you can approve sign-ins on this phone. Your organization sees its name and model. It does not manage the phone.")
        .form(Form::main("register", "/register-phone", "Add").asking(Field::digits("Six digits that the phone shows")))
        .form(Form::quiet("cancel", "/register-phone/cancel", "Cancel"))
        .text("Type only the digits that your own phone shows. If somebody sent you here or gave you digits, cancel.")
        .problem(problem)
}

/// Shown when the typed digits are not those that the phone shows.
pub const WRONG_PHONE_DIGITS: &str =
    "Those are not the digits on your phone. Type the digits from the phone that you started on.";

/// Shown when wrong digits were typed three times.
#[must_use]
pub fn too_many_digits() -> Page {
    Page::new("too-many-digits", "No phone was added").and(Block::Outcome(
        "The digits were wrong three times, so this has ended. Your account is unchanged. Open Countersign on your phone and start again.".to_owned(),
    ))
}

/// Shown to a person whom a phone sent to the browser, when the policy does not let the person use the app. The button
/// leads back to the app.
#[must_use]
pub fn not_offered_to_phone() -> Page {
    Page::new("not-offered", "Your organization doesn't offer this")
        .and(Block::Outcome(
            "You can't use the authenticator app for this account. Your administrator decides who may use it, and how."
                .to_owned(),
        ))
        .form(Form::main("back", "/register-phone/not-offered", "Back to the app"))
}

/// Shown when the person needs a pass to add the first phone of the account.
#[must_use]
pub fn pass_needed() -> Page {
    Page::new("pass-needed", "You need a Temporary Access Pass")
        .and(Block::Outcome("You need a pass to add your first phone. Ask your administrator for one.".to_owned()))
        .and(link("use-pass", "/sign-in/pass", "I have a pass", "button main"))
        .and(link("start-over", "/sign-in", "Sign in as somebody else", ""))
}

/// Shown when the phone's pushed authorization request has expired or was already used, when its device was removed, or
/// when the sign-in for it has ended.
#[must_use]
pub fn stale_registration() -> Page {
    Page::new("stale-registration", "This request has ended").and(Block::Outcome(
        "The request from your phone is too old or was already used. Nothing was changed. Open Countersign on your phone and start again.".to_owned(),
    ))
}

/// Shown when the phone that sent the person to the browser does not belong to the account of the person who signed in.
#[must_use]
pub fn other_persons_phone() -> Page {
    Page::new("other-persons-phone", "This phone belongs to another account")
        .and(Block::Outcome(
            "The phone that opened this page is on another person's account. Nothing was registered. If somebody sent you a link, close this page.".to_owned(),
        ))
        .and(link("start-over", "/sign-in", "Sign in as somebody else", ""))
}
