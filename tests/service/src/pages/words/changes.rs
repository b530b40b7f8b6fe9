//! Texts of pages that change the account or add a phone.

use super::parts::{ago, link, number};
use crate::clock::Time;
use crate::pages::{Block, Field, Form, Page};
use crate::prompts::ceremony::Ceremony;
use crate::prompts::change::Change;

/// Shows the number that the person enters on a phone to approve a change, and what the change is about: the label, the
/// text and the element's id of each fact.
#[must_use]
pub fn change_number(
    change: &Change,
    facts: Vec<(&'static str, String, &'static str)>,
    ceremony: &Ceremony,
    now: Time,
) -> Page {
    let (name, lead) = match change {
        Change::AddMethod => ("add-number", "To add a sign-in method, enter this number on your phone."),
        Change::RemoveMethod(_) => ("remove-number", "To remove a sign-in method, enter this number on your phone."),
        Change::ReportLost { .. } => {
            ("lost-number", "To report a phone lost, enter this number on another of your phones.")
        }
        Change::CreatePass => ("pass-number", "To create a pass, enter this number on your phone."),
        Change::Administer(_) => {
            ("act-number", "To make this change, enter this number on your phone. If you did not ask for it, cancel.")
        }
    };
    let (finish, cancel, events) = match change {
        Change::Administer(_) => ("/admin/approve/finish", "/admin/approve/cancel", "/admin/approve/events"),
        Change::AddMethod | Change::RemoveMethod(_) | Change::ReportLost { .. } | Change::CreatePass => {
            ("/security-info/step-up/finish", "/security-info/step-up/cancel", "/security-info/step-up/events")
        }
    };
    let page = number(name, "Approve on your phone", lead, ceremony, now);
    let page = if facts.is_empty() { page } else { page.and(Block::Facts(facts)) };
    page.form(Form::main("finish", finish, "Continue").on_turn())
        .form(Form::quiet("cancel", cancel, "Cancel"))
        .turning(events)
}

/// Says that the change was not made, and why.
#[must_use]
pub fn not_changed(change: &Change, why: &str) -> Page {
    let (name, title) = match change {
        Change::AddMethod => ("not-added", "Nothing was added"),
        Change::RemoveMethod(_) => ("not-removed", "Nothing was removed"),
        Change::ReportLost { .. } => ("not-reported", "Nothing was changed"),
        Change::CreatePass => ("no-pass", "No pass was created"),
        Change::Administer(_) => ("not-done", "Nothing was changed"),
    };
    let (back, text) = match change {
        Change::Administer(_) => ("/admin", "Back to people"),
        Change::AddMethod | Change::RemoveMethod(_) | Change::ReportLost { .. } | Change::CreatePass => {
            ("/security-info", "Back to security info")
        }
    };
    Page::new(name, title).and(Block::Outcome(why.to_owned())).and(link("back", back, text, "button main"))
}

/// Says that the app on the person's phones can't show this request.
pub const UPDATE_APP: &str = "The app on your phone can't show this request. Update the app, open it once, and try again. \
    The operator of this service can also make the change on the command line.";

/// Says why no phone can approve a change.
#[must_use]
pub fn no_phone_for(change: &Change) -> &'static str {
    match change {
        Change::AddMethod | Change::RemoveMethod(_) | Change::CreatePass => {
            "None of your phones can approve this now. If phone sign-in was turned off in the last 24 hours, wait until 24 hours have passed, or ask your administrator."
        }
        Change::ReportLost { .. } => {
            "This is your only phone, so no other phone can confirm that it's you. Ask your administrator to report it lost and to give you a pass for a new one."
        }
        Change::Administer(_) => {
            "None of your phones can approve this now. If phone sign-in was turned off in the last 24 hours, wait until 24 hours have passed. The operator of this service can also make the change on the command line."
        }
    }
}

/// What a phone has given, and when, as the page about its loss lists it.
pub struct GivenByPhone {
    /// What was given, for example "a session in a browser".
    pub what: String,
    /// When it was given.
    pub at: Time,
    /// Whether it is an administrative act.
    pub administers: bool,
    /// Whether it is another phone.
    pub is_phone: bool,
}

/// Where a report of a lost phone is sent.
pub struct LossForm<'a> {
    /// The path of the form.
    pub action: &'static str,
    /// The hidden fields that name the account and the phone.
    pub fields: Vec<(&'static str, String)>,
    /// The page to which the link "Back" leads.
    pub back: &'a str,
}

/// Asks since when a phone has been missing, and lists what it has given.
#[must_use]
pub fn lost_since(name: &str, given: &[GivenByPhone], form: &LossForm<'_>, now: Time) -> Page {
    let page = Page::new("lost-since", "Since when has the phone been missing?")
        .and(Block::Facts(vec![("Phone", name.to_owned(), "phone-name")]))
        .text("Everything that the phone has approved since then ends. The phone can no longer approve anything.");
    let page = if given.iter().any(|one| one.administers) {
        page.text("If you don't know since when, administrative acts of the last seven days are taken back.")
    } else {
        page
    };
    let page = if given.iter().any(|one| one.is_phone) {
        page.text("A phone that this phone added since then is removed too. If no phone is left, the next one needs a Temporary Access Pass.")
    } else {
        page
    };
    let page = match given {
        [] => page.text("This phone has approved nothing that still counts."),
        _ => page.and(Block::Items(given.iter().map(|one| format!("{}, {}", one.what, ago(one.at, now))).collect())),
    };
    let choices = [("day", "Since yesterday", "24"), ("week", "For a week", "168"), ("hour", "For an hour", "1")];
    let report = |form_of: Form, hours: &str| {
        let filled = form.fields.iter().fold(form_of, |filled, (field, value)| filled.with(field, value.clone()));
        filled.with("hours", hours.to_owned())
    };
    let page = page.form(report(Form::main("unknown", form.action, "I don't know: end everything"), ""));
    let page = choices
        .iter()
        .fold(page, |page, (id, text, hours)| page.form(report(Form::quiet(id, form.action, text), hours)));
    page.and(link("back", form.back, "Back", ""))
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
