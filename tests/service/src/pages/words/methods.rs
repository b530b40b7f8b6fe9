//! Texts of the list of sign-in methods.

use super::parts::{ago, link, removed_phones};
use crate::clock::Time;
use crate::devices::device::Device;
use crate::pages::{Block, Form, Method, Page};
use crate::people::person::Person;

/// The security-info page: lists the person's phones, and has buttons for changes.
#[must_use]
pub fn security_info(
    person: &Person,
    devices: &[Device],
    removed: &[Device],
    now: Time,
    has_request: bool,
    news: Option<&str>,
) -> Page {
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
    let page = if has_request && !devices.is_empty() {
        page.form(Form::main("continue", "/security-info/continue", "Continue to your application"))
    } else {
        page
    };
    let page = if devices.is_empty() {
        page
    } else {
        let page = page.form(Form::quiet("make-pass", "/security-info/pass", "Create a pass for a new phone"));
        removed_phones(page, removed, now, |id| {
            Form::quiet("lost-removed", "/security-info/lost", "It was lost or stolen").with("device", id)
        })
    };
    let page = page.form(Form::quiet("sign-out", "/sign-out", "Sign out"));
    // The administrator's pages open only after an approval on a phone.
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
        (None, _) => "push no longer works; open the app to check for requests",
        (Some(_), true) => "push works",
        (Some(_), false) => "push not confirmed yet",
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

/// Shown when the person wants to change the methods, but no phone has approved anything in this session in the last
/// ten minutes.
#[must_use]
pub fn step_up_needed() -> Page {
    Page::new("step-up", "Sign in again first")
        .text("You can change your sign-in methods for ten minutes after you signed in with your phone.")
        .and(link("sign-in", "/sign-in", "Sign in again", "button main"))
        .and(link("back", "/security-info", "Back to security info", ""))
}

/// Shown on the security-info page after a phone was removed.
pub const REMOVED: &str = "The phone was removed. It can no longer approve your sign-ins.";
