//! Texts for requests that were refused or have failed, and for unknown URLs.

use super::parts::link;
use crate::pages::{Block, Page};

/// Shown when too many forms were posted from one network.
#[must_use]
pub fn too_many() -> Page {
    Page::new("too-many", "Wait a minute")
        .and(Block::Outcome("There were too many tries from your network. Nothing was changed.".to_owned()))
        .text("Wait a minute, then go back and try again.")
}

/// Shown when the browser posted a form without the cookie that came with the form's page.
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

/// Shown when the form data is longer than the limit.
#[must_use]
pub fn form_too_large() -> Page {
    Page::new("too-large", "That was too much text")
        .and(Block::Outcome("The form was too long, so nothing was changed. Go back and shorten it.".to_owned()))
}

/// Shown when the application's authorization request is invalid.
#[must_use]
pub fn bad_request(why: &'static str) -> Page {
    Page::new("bad-request", "This link doesn't work").and(Block::Outcome(why.to_owned())).text(
        "The application that sent you here made a mistake, or somebody changed its link. Your account is unchanged. Go back to the application and try again; if it happens again, tell your administrator.",
    )
}

/// Shown when the person signed in or out after the form's page was opened.
#[must_use]
pub fn stale_form(in_flow: bool) -> Page {
    let next = if in_flow { "/sign-in" } else { "/security-info" };
    Page::new("stale", "This page can no longer be used")
        .and(Block::Outcome("You signed in or out after this page was opened. Nothing was changed.".to_owned()))
        .and(link("sign-in", next, "Continue", "button main"))
}

/// Shown when a form was not sent by a page of this service, or when a sign-in form has no flow.
#[must_use]
pub fn foreign_form() -> Page {
    Page::new("stale", "This form can't be used")
        .and(Block::Outcome("The form was not sent by a page of this service. Nothing was changed.".to_owned()))
        .and(link("home", "/", "Go to the start page", "button main"))
}

/// Shown when there is no page with the requested URL.
#[must_use]
pub fn not_found() -> Page {
    Page::new("not-found", "This page does not exist").and(link("home", "/", "Go to the start page", "button main"))
}

/// Shown when the database failed, or when the service could not create an enrollment or its code.
#[must_use]
pub fn unavailable() -> Page {
    Page::new("unavailable", "Something went wrong on our side")
        .text("Nothing was changed. Wait a moment, then try again.")
}
