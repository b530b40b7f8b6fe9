//! Texts of the wizard that adds a phone.

use super::parts::{link, not_approved, number};
use crate::clock::Time;
use crate::devices::device::Cause;
use crate::enrollment::rules::Digits;
use crate::pages::{Block, Field, Form, Page};
use crate::prompts::ceremony::{Ceremony, Outcome};

const WIZARD_STEPS: u8 = 4;

/// First page of the wizard: asks the person to install the app.
#[must_use]
pub fn wizard_install() -> Page {
    Page::new("install", "Get the app")
        .step(1, WIZARD_STEPS)
        .text("Install Countersign on your phone. If it is already installed, continue.")
        .form(Form::main("next", "/security-info/add/start", "Next"))
        .form(Form::quiet("cancel", "/security-info/add/cancel", "Cancel"))
}

/// Second page of the wizard: shows the code. `looked` says whether a phone has already made a look-up with this code.
#[must_use]
pub fn wizard_code(picture: String, typed: Option<(String, String)>, looked: bool) -> Page {
    let page = Page::new("code", "Scan the code").step(2, WIZARD_STEPS);
    let page = if looked {
        page.and(Block::Outcome(
            "A phone has read this code. If it is your phone, check there who is asking, and continue there. If not, cancel."
            .to_owned(),
        ))
    } else {
        page
    };
    let page = page
        .and(Block::Steps(vec![
            "Open Countersign on your phone",
            "Choose “Add account”",
            "Scan this code and check who is asking",
        ]))
        .and(Block::Picture {
            source: picture,
            alternative: "QR code for Countersign. Can't scan? Choose “I can't scan” below.",
        });
    let page = match typed {
        Some((code, address)) => {
            page.text("Or choose “Type a code” in the app, and type both:").and(Block::Typed { code, address })
        }
        None => page.form(Form::quiet("cant-scan", "/security-info/add/typed", "I can't scan")),
    };
    page.text("This page continues by itself. The code works for ten minutes and for one phone.")
        .form(Form::quiet("cancel", "/security-info/add/cancel", "Cancel"))
        .turning("/security-info/add/events")
}

/// Third page of the wizard: asks for the digits that the phone shows.
#[must_use]
pub fn wizard_digits(name: &str, model: &str, another_phone: bool, problem: Option<&str>) -> Page {
    let page = Page::new("digits", "Enter the digits on your phone")
        .step(3, WIZARD_STEPS)
        .and(Block::Facts(vec![("Phone", name.to_owned(), "phone-name"), ("Model", model.to_owned(), "phone-model")]));
    let page = if another_phone {
        page.and(Block::Outcome(
            "Another phone tried to use the same code and was refused. If you are not sure that the phone above is yours, choose “That's not my phone”.".to_owned(),
        ))
    } else {
        page
    };
    page.form(Form::main("confirm", "/security-info/add/digits", "Next").asking(Field::digits("Six digits")))
        .form(Form::quiet("not-my-phone", "/security-info/add/not-my-phone", "That's not my phone"))
        .form(Form::quiet("cancel", "/security-info/add/cancel", "Cancel"))
        .problem(problem)
}

/// Returns the text for wrong digits, which says how many tries are left. Returns `None` if the digits were right or no
/// try is left.
#[must_use]
pub fn wrong_digits(digits: Digits) -> Option<&'static str> {
    match digits {
        Digits::Right | Digits::Over => None,
        Digits::Wrong(1) => Some("Those are not the digits on your phone. You have one more try."),
        Digits::Wrong(_) => Some("Those are not the digits on your phone. You have two more tries."),
    }
}

/// Fourth page of the wizard: shows the number of the first request, with which the person tries the new phone.
#[must_use]
pub fn wizard_confirm(ceremony: &Ceremony, now: Time) -> Page {
    number("confirm", "Try it out", "Your phone shows a request. Enter this number there.", ceremony, now)
        .step(4, WIZARD_STEPS)
        .text("No request on your phone? Open Countersign and check for requests.")
        .form(Form::main("finish", "/security-info/add/finish", "Continue").on_turn())
        .form(Form::quiet("skip", "/security-info/add/skip", "Skip"))
        .turning("/security-info/add/events")
}

/// Shown when the first request was not approved. The new phone stays active.
#[must_use]
pub fn wizard_not_confirmed(outcome: Outcome) -> Page {
    let why = match outcome {
        Outcome::WrongNumber => "A different number was entered on your phone.",
        Outcome::Denied | Outcome::Reported => "The request was denied on your phone.",
        Outcome::RefusedPlace => not_approved(outcome),
        Outcome::Approved | Outcome::Expired | Outcome::Superseded | Outcome::Cancelled | Outcome::Ended => {
            "The request was not answered in time."
        }
    };
    Page::new("not-confirmed", "That didn't work yet")
        .step(4, WIZARD_STEPS)
        .and(Block::Outcome(format!("{why} Your phone was still added.")))
        .form(Form::main("again", "/security-info/add/again", "Try again"))
        .form(Form::quiet("skip", "/security-info/add/skip", "Skip"))
}

/// Last page of the wizard. `confirmed` says whether the first request was approved, and `by_push` whether a push has
/// reached the phone.
#[must_use]
pub fn wizard_done(confirmed: bool, by_push: bool, has_request: bool) -> Page {
    let text = match (confirmed, by_push) {
        (true, true) => "You can now approve sign-ins on your phone. Requests appear on it by themselves.",
        (true, false) => {
            "You can now approve sign-ins on your phone. Requests do not appear by themselves yet: when you sign in, open Countersign and check for requests."
        }
        (false, _) => "Your phone was added. You skipped the test. You'll see how it works at your next sign-in.",
    };
    let page = Page::new("done", "You're all set").and(Block::Outcome(text.to_owned()));
    let page = if has_request {
        page.form(Form::main("continue", "/security-info/continue", "Continue to your application"))
    } else {
        page
    };
    page.and(link("done", "/security-info", "See your security info", if has_request { "" } else { "button main" }))
}

/// Shown when the enrollment ended before the phone was added.
#[must_use]
pub fn wizard_over(cause: Cause) -> Page {
    let text = match cause {
        Cause::Expired => "The code worked for ten minutes and has expired. Nothing was added.",
        Cause::WrongDigits => "The digits were wrong three times, so this code has ended. Nothing was added.",
        Cause::NotMyPhone => "That phone was refused. Nothing was added. Show the new code only to your own phone.",
        Cause::Abandoned => "The phone stopped adding the account. Nothing was added.",
        Cause::Cancelled | Cause::RemovedByPhone | Cause::RemovedByPerson | Cause::RemovedByOperator | Cause::Lost => {
            "Adding a phone was cancelled. Nothing was added."
        }
    };
    Page::new("over", "No phone was added")
        .and(Block::Outcome(text.to_owned()))
        .form(Form::main("again", "/security-info/add/start", "Start with a new code"))
        .and(link("back", "/security-info", "Back to security info", ""))
}
