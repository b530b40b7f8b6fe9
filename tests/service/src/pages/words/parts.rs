//! Texts and blocks that several pages share.

use crate::clock::Time;
use crate::devices::device::Device;
use crate::pages::{Block, Form, Page};
use crate::prompts::ceremony::{Ceremony, Outcome};

pub(super) fn link(id: &'static str, address: &str, text: &str, class: &'static str) -> Block {
    Block::Link { id, address: address.to_owned(), text: text.to_owned(), class }
}

pub(super) fn ago(then: Time, now: Time) -> String {
    let some = |count: Time, unit: &str| {
        if count == 1 { format!("1 {unit} ago") } else { format!("{count} {unit}s ago") }
    };
    match now - then {
        seconds if seconds < 60 => "just now".to_owned(),
        seconds if seconds < 3_600 => some(seconds.div_euclid(60), "minute"),
        seconds if seconds < 86_400 => some(seconds.div_euclid(3_600), "hour"),
        seconds => some(seconds.div_euclid(86_400), "day"),
    }
}

/// Adds a form for each phone that was removed lately, to report it lost. `form`: returns the form for a device id.
#[must_use]
pub(super) fn removed_phones(page: Page, removed: &[Device], now: Time, form: impl Fn(String) -> Form) -> Page {
    (1..).zip(removed).fold(page, |page, (number, phone)| {
        let (added, removed) = (ago(phone.added_at, now), ago(phone.removed_at().unwrap_or(now), now));
        page.text(format!("A phone that was added {added} was removed {removed}."))
            .form(form(phone.id.clone()).numbered(number))
    })
}

/// Builds a page that shows a number for number matching.
#[must_use]
pub(super) fn number(name: &'static str, title: &str, lead: &str, ceremony: &Ceremony, now: Time) -> Page {
    Page::new(name, title)
        .text(lead)
        .and(Block::Number { number: ceremony.number.clone(), ends_in: (ceremony.expires_at - now).max(0) })
}

/// Shown for `Refusal::TooOften`: in the last ten minutes, too many ceremonies of one origin were started.
pub(super) const TOO_OFTEN: &str =
    "There were too many requests for this account in the last ten minutes. Wait ten minutes, then try again.";

/// Says why a request was not approved.
#[must_use]
pub fn not_approved(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "The request was approved.",
        Outcome::Denied => "You denied the request on your phone. Nothing was approved.",
        Outcome::Reported => "The request was reported on your phone: “It wasn't me”. Nothing was approved.",
        Outcome::WrongNumber => {
            "A different number was entered on your phone, so the request has ended. Try again and compare the numbers."
        }
        Outcome::Expired => {
            "The time for this request is over. Your account is unchanged. Try again when you have your phone with you."
        }
        Outcome::Superseded => "You started again in this browser. This page is no longer needed.",
        Outcome::Cancelled => "You cancelled the request.",
        Outcome::Ended => "Your account or its policy has changed, so the request has ended. Sign in again.",
        Outcome::RefusedPlace => {
            "Your phone must be on the same network as this browser, but it is on another one. Your account is \
            unchanged. Connect the phone to this network, then try again."
        }
    }
}
