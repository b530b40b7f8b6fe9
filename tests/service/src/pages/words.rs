//! Every word of every page: short, active, in the second person.

mod admin;
mod changes;
mod phone;
mod secrets;

use crate::clock::Time;
use crate::devices::records::{Cause, Device};
use crate::enrollment::rules::Digits;
use crate::pages::{Block, Field, Form, Method, Page};
use crate::people::Person;
use crate::prompts::acts::NotStarted;
use crate::prompts::records::{Ceremony, Kind, Match, Outcome};
use crate::prompts::rules::Refusal;
use crate::sign_in::flow::Note;

pub use admin::{ADMIN_DONE, NOT_DONE, groups, no_administrator, people, person, person_added, policy};
pub use changes::{
    LOST, WRONG_PHONE_DIGITS, add_phone, change_number, no_phone_for, not_changed, not_offered, not_offered_to_phone,
    other_persons_phone, pass_needed, register_phone, stale_registration, too_many_digits,
};
pub use phone::{name_account, name_worn_out, phone_not_started, unproven_number, unproven_over};
pub use secrets::{WRONG_PASSWORD, made_pass, new_password, pass, password, wrong_pass};

const WIZARD_STEPS: u8 = 4;

/// `/`.
#[must_use]
pub fn home() -> Page {
    Page::new("home", "Your sign-in").text("Sign in to see and change the ways you prove that it's you.").and(link(
        "sign-in",
        "/sign-in",
        "Sign in",
        "button main",
    ))
}

fn link(id: &'static str, address: &str, text: &str, class: &'static str) -> Block {
    Block::Link { id, address: address.to_owned(), text: text.to_owned(), class }
}

/// User name.
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

/// Why the user name is asked for again.
fn starts_again(note: Note) -> &'static str {
    match note {
        Note::TookTooLong => "This sign-in took too long, or has ended in another tab. It starts again here.",
        Note::SessionEnded => "Your session has ended. Sign in again to go on.",
    }
}

/// Too many forms from one network.
#[must_use]
pub fn too_many() -> Page {
    Page::new("too-many", "Wait a minute")
        .and(Block::Outcome("There were too many tries from your network. Nothing was changed.".to_owned()))
        .text("Wait a minute, then go back and try again.")
}

/// Another tab of this browser has started a sign-in since, and only one at a time waits for a phone.
#[must_use]
pub fn other_tab(application: Option<&str>) -> Page {
    let again = application.map_or("Sign in here".to_owned(), |application| format!("Sign in to {application} here"));
    Page::new("other-tab", "You continued in another tab")
        .and(Block::Outcome(
            "A browser can have one sign-in under way at a time, and another tab has started one. This one has ended."
                .to_owned(),
        ))
        .and(link("sign-in", "/sign-in", &again, "button main"))
}

/// The browser sent no cookie back.
#[must_use]
pub fn cookies_needed(issuer: &str) -> Page {
    let host = issuer.trim_start_matches("https://");
    Page::new("cookies", "Cookies are needed")
        .and(Block::Outcome(format!(
            "Your browser did not send back the cookie that {host} has set, so nothing was changed. Either cookies are \
             blocked, or they were cleared while the page was open."
        )))
        .text(format!("Allow cookies for {host} in your browser's settings, then start again."))
        .and(link("sign-in", "/sign-in", "Start again", "button main"))
}

/// A form that is longer than any of ours.
#[must_use]
pub fn form_too_large() -> Page {
    Page::new("too-large", "That was too much text")
        .and(Block::Outcome("The form was too long, so nothing was changed. Go back and shorten it.".to_owned()))
}

/// The way out of the sign-in pages. The script follows the link; where it can't, the person does.
#[must_use]
pub fn leaving(application: &str, address: &str) -> Page {
    Page::new("leaving", format!("Opening {application}"))
        .text(format!("If {application} does not open by itself, use the button."))
        .and(link("leave", address, &format!("Continue to {application}"), "button main"))
}

/// A number to be matched on the phone.
#[must_use]
pub fn number(name: &'static str, title: &str, lead: &str, ceremony: &Ceremony, now: Time) -> Page {
    Page::new(name, title)
        .text(lead)
        .and(Block::Number { number: ceremony.number.clone(), ends_in: (ceremony.expires_at - now).max(0) })
}

/// The number at sign-in.
#[must_use]
pub fn sign_in_number(ceremony: &Ceremony, now: Time) -> Page {
    let chosen = matches!(ceremony.r#match, Match::Choose { .. });
    let lead = match (ceremony.silent, chosen) {
        (true, false) => "Open Countersign on your phone, check for requests, and enter this number.",
        (true, true) => "Open Countersign on your phone, check for requests, and choose this number.",
        (false, false) => "Open the request in Countersign on your phone and enter this number.",
        (false, true) => "Open the request in Countersign on your phone and choose this number.",
    };
    let page = number("number", "Approve on your phone", lead, ceremony, now)
        .text("No request on your phone? Open Countersign and check for requests.")
        .form(Form::main("finish", "/sign-in/finish", "Continue").on_turn())
        .turning("/sign-in/events");
    let page = if ceremony.kind == Kind::PhoneSignIn { phone::ways_out(page) } else { page };
    page.form(Form::quiet("cancel", "/sign-in/cancel", "Cancel"))
}

/// What came of a ceremony that was not approved.
#[must_use]
pub fn not_approved(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "The request was approved.",
        Outcome::Denied => "You denied the request on your phone. Nothing was signed in.",
        Outcome::Reported => "Somebody said on your phone that this wasn't them. Nothing was signed in.",
        Outcome::WrongNumber => {
            "Another number was entered on your phone, so the request has ended. Try again and compare the number."
        }
        Outcome::Expired => {
            "Nobody answered on your phone in time. Your account is unchanged. Try again when the phone is at hand."
        }
        Outcome::Superseded => "You started again in this browser. This page is no longer needed.",
        Outcome::Cancelled => "You cancelled the request.",
        Outcome::Ended => "Your account changed meanwhile, so the request has ended. Sign in again.",
        Outcome::RefusedPlace => {
            "Your organization wants your phone in the same network as this browser, and it is in another one. Connect \
             it to this network, then try again."
        }
    }
}

/// Sign-in that did not happen.
#[must_use]
pub fn sign_in_over(outcome: Outcome) -> Page {
    Page::new("outcome", "You're not signed in")
        .and(Block::Outcome(not_approved(outcome).to_owned()))
        .form(Form::main("again", "/sign-in/again", "Try again"))
        .and(link("start-over", "/sign-in", "Sign in as somebody else", ""))
}

/// No request waits, but the account has had too many lately.
const TOO_OFTEN: &str =
    "There were too many requests for this account in the last ten minutes. Wait ten minutes, then try again.";

/// A ceremony that could not be started.
#[must_use]
pub fn not_started(why: NotStarted) -> Page {
    let (title, text) = match why {
        NotStarted::NoPhone => (
            "No phone to ask",
            "No phone on your account can answer now. Ask your operator to reset your sign-in methods.",
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
        NotStarted::Refused(Refusal::TooMany) => (
            "There are requests waiting already",
            "Answer the request on your phone, or wait until it ends, then try again.",
        ),
    };
    Page::new("not-started", title).and(Block::Outcome(text.to_owned())).form(Form::main(
        "again",
        "/sign-in/again",
        "Try again",
    ))
}

/// Password is right, a method is missing.
#[must_use]
pub fn more_information() -> Page {
    Page::new("more-information", "More information required")
        .text("Your organization needs a second way to know that it's you. Setting it up takes about a minute; have your phone ready.")
        .form(Form::main("next", "/more-information", "Next"))
        .and(link("other-name", "/sign-in", "Sign in as somebody else", ""))
}

/// Security info.
#[must_use]
pub fn security_info(person: &Person, devices: &[Device], now: Time, goes_on: bool, news: Option<&str>) -> Page {
    let page = Page::new("security-info", "Security info").text(format!("Signed in as {}", person.display_name));
    let page = match news {
        Some(news) => page.and(Block::Outcome(news.to_owned())),
        None => page,
    };
    let page = if devices.is_empty() {
        page.text("You have no sign-in methods yet. Add the authenticator app to approve sign-ins on your phone.")
    } else {
        page.and(Block::Methods(devices.iter().map(|device| method(device, now)).collect()))
    };
    let add = if devices.is_empty() { Form::main } else { Form::quiet };
    let page = page.form(add("add-method", "/security-info/add", "Add sign-in method"));
    let page = if goes_on && !devices.is_empty() {
        page.form(Form::main("continue", "/security-info/continue", "Continue to your application"))
    } else {
        page
    };
    let page = if devices.is_empty() {
        page
    } else {
        page.form(Form::quiet("make-pass", "/security-info/pass", "Make a pass for a new phone"))
    };
    let page = page.form(Form::quiet("sign-out", "/sign-out", "Sign out"));
    // Those pages open only after an approval on a phone.
    if person.is_administrator && !devices.is_empty() {
        page.and(link("admin", "/admin", "People, groups and policy", ""))
    } else {
        page
    }
}

fn method(device: &Device, now: Time) -> Method {
    let (name, model) = device
        .claimed
        .as_ref()
        .map_or((String::new(), String::new()), |claimed| (claimed.name.clone(), claimed.model.clone()));
    let push = match (device.reachable_at(), device.push_seen) {
        (None, _) => "push no longer reaches it; it checks for requests",
        (Some(_), true) => "push works",
        (Some(_), false) => "push not seen yet",
    };
    Method {
        id: device.id.clone(),
        name,
        kind: if device.sign_in.is_some() { "Phone sign-in" } else { "Phone app" },
        model,
        added: ago(device.added_at, now),
        push,
    }
}

fn ago(then: Time, now: Time) -> String {
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

/// Wizard: install the app.
#[must_use]
pub fn wizard_install() -> Page {
    Page::new("install", "Get the app")
        .step(1, WIZARD_STEPS)
        .text("On your phone, install Countersign. Already there? Go on.")
        .form(Form::main("next", "/security-info/add/start", "Next"))
        .form(Form::quiet("cancel", "/security-info/add/cancel", "Cancel"))
}

/// Wizard: the code.
#[must_use]
pub fn wizard_code(picture: String, typed: Option<(String, String)>, looked: bool) -> Page {
    let page = Page::new("code", "Scan the code").step(2, WIZARD_STEPS);
    let page = if looked {
        page.and(Block::Outcome(
            "A phone has read this code. Check on your phone who is asking, and go on there. Not your phone? Cancel."
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
    page.text("This page goes on by itself. The code works for ten minutes, for one phone.")
        .form(Form::quiet("cancel", "/security-info/add/cancel", "Cancel"))
        .turning("/security-info/add/events")
}

/// Wizard: the digits.
#[must_use]
pub fn wizard_digits(name: &str, model: &str, another_phone: bool, problem: Option<&str>) -> Page {
    let page = Page::new("digits", "Enter the digits on your phone")
        .step(3, WIZARD_STEPS)
        .and(Block::Facts(vec![("Phone", name.to_owned(), "phone-name"), ("Model", model.to_owned(), "phone-model")]));
    let page = if another_phone {
        page.and(Block::Outcome(
            "Another phone tried to use the same code. It got nothing. If you are not sure that the phone above is yours, choose “That's not my phone”.".to_owned(),
        ))
    } else {
        page
    };
    page.form(Form::main("confirm", "/security-info/add/digits", "Next").asking(Field::digits("Six digits")))
        .form(Form::quiet("not-my-phone", "/security-info/add/not-my-phone", "That's not my phone"))
        .form(Form::quiet("cancel", "/security-info/add/cancel", "Cancel"))
        .problem(problem)
}

/// Words for digits that were not right.
#[must_use]
pub fn wrong_digits(digits: Digits) -> Option<&'static str> {
    match digits {
        Digits::Right | Digits::Over => None,
        Digits::Wrong(1) => Some("Those are not the digits on your phone. You have one more try."),
        Digits::Wrong(_) => Some("Those are not the digits on your phone. You have two more tries."),
    }
}

/// Wizard: the confirmation.
#[must_use]
pub fn wizard_confirm(ceremony: &Ceremony, now: Time) -> Page {
    number("confirm", "Try it out", "Your phone shows a request. Enter this number there.", ceremony, now)
        .step(4, WIZARD_STEPS)
        .text("No request on your phone? Open Countersign and check for requests.")
        .form(Form::main("finish", "/security-info/add/finish", "Continue").on_turn())
        .form(Form::quiet("skip", "/security-info/add/skip", "Skip"))
        .turning("/security-info/add/events")
}

/// Wizard: the confirmation did not work.
#[must_use]
pub fn wizard_not_confirmed(outcome: Outcome) -> Page {
    let why = match outcome {
        Outcome::WrongNumber => "Another number was entered on your phone.",
        Outcome::Denied | Outcome::Reported => "The request was denied on your phone.",
        Outcome::RefusedPlace => not_approved(outcome),
        Outcome::Approved | Outcome::Expired | Outcome::Superseded | Outcome::Cancelled | Outcome::Ended => {
            "The request was not answered in time."
        }
    };
    Page::new("not-confirmed", "That didn't work yet")
        .step(4, WIZARD_STEPS)
        .and(Block::Outcome(format!("{why} Your phone is added all the same.")))
        .form(Form::main("again", "/security-info/add/again", "Try again"))
        .form(Form::quiet("skip", "/security-info/add/skip", "Skip"))
}

/// Wizard: done.
#[must_use]
pub fn wizard_done(confirmed: bool, by_push: bool, goes_on: bool) -> Page {
    let text = match (confirmed, by_push) {
        (true, true) => "Your phone approves sign-ins from now on. Requests reach it by themselves.",
        (true, false) => {
            "Your phone approves sign-ins from now on. No request reached it by itself yet: open Countersign and check for requests when you sign in."
        }
        (false, _) => "Your phone is added. You skipped trying it out; you'll see how it works at your next sign-in.",
    };
    let page = Page::new("done", "You're all set").and(Block::Outcome(text.to_owned()));
    let page = if goes_on {
        page.form(Form::main("continue", "/security-info/continue", "Continue to your application"))
    } else {
        page
    };
    page.and(link("done", "/security-info", "See your security info", if goes_on { "" } else { "button main" }))
}

/// Wizard: over before it was done.
#[must_use]
pub fn wizard_over(cause: Cause) -> Page {
    let text = match cause {
        Cause::Expired => "The ten minutes were over. Nothing was added.",
        Cause::WrongDigits => "The digits were wrong three times, so this code has ended. Nothing was added.",
        Cause::NotMyPhone => "That phone was turned away. Nothing was added. A fresh code is for your own phone only.",
        Cause::Abandoned => "The phone gave up. Nothing was added.",
        Cause::Cancelled | Cause::RemovedByPhone | Cause::RemovedByPerson | Cause::RemovedByOperator | Cause::Lost => {
            "Adding a phone was cancelled. Nothing was added."
        }
    };
    Page::new("over", "No phone was added")
        .and(Block::Outcome(text.to_owned()))
        .form(Form::main("again", "/security-info/add/start", "Start with a fresh code"))
        .and(link("back", "/security-info", "Back to security info", ""))
}

/// News on the security-info page.
pub const REMOVED: &str = "The phone was removed. It can't approve sign-ins for you any more.";

/// Adding a second method needs more than a password.
#[must_use]
pub fn step_up_needed() -> Page {
    Page::new("step-up", "Sign in again first")
        .text("To change your sign-in methods, you need to have signed in with your phone in the last ten minutes.")
        .and(link("sign-in", "/sign-in", "Sign in again", "button main"))
        .and(link("back", "/security-info", "Back to security info", ""))
}

/// Signed out.
#[must_use]
pub fn signed_out() -> Page {
    Page::new("signed-out", "You're signed out").text("You can close this page.").and(link(
        "sign-in",
        "/sign-in",
        "Sign in again",
        "button main",
    ))
}

/// An application asked in a way that can't be trusted.
#[must_use]
pub fn bad_request(why: &'static str) -> Page {
    Page::new("bad-request", "This link doesn't work").and(Block::Outcome(why.to_owned())).text(
        "The application that sent you here made a mistake, or somebody changed its link. Your account is unchanged. Go back to the application and try again; if it happens again, tell your operator.",
    )
}

/// A form of a page from before the person signed in or out.
#[must_use]
pub fn stale_form(in_flow: bool) -> Page {
    let next = if in_flow { "/sign-in" } else { "/security-info" };
    Page::new("stale", "This page can't be used any more")
        .and(Block::Outcome("You signed in or out after it was opened. Nothing was changed.".to_owned()))
        .and(link("sign-in", next, "Continue", "button main"))
}

/// A form that no page of ours has sent.
#[must_use]
pub fn foreign_form() -> Page {
    Page::new("stale", "This form can't be used")
        .and(Block::Outcome("It was not sent by a page of this service. Nothing was changed.".to_owned()))
        .and(link("home", "/", "To the start", "button main"))
}

/// Nothing here.
#[must_use]
pub fn not_found() -> Page {
    Page::new("not-found", "There is nothing here").and(link("home", "/", "To the start", "button main"))
}

/// The database failed.
#[must_use]
pub fn unavailable() -> Page {
    Page::new("unavailable", "Something went wrong on our side")
        .text("Nothing was changed. Wait a moment, then try again.")
}
