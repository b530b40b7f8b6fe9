//! Adds an account inside the app: the person signs in with the browser, and phone sign-in is on immediately.

use countersign::{Reply, Step};
use countersign_phone::Loopback;

use super::walker::{Seen, Walk};
use crate::trouble::Trouble;

/// The credential that the person enters in the browser.
pub(super) enum Secret<'a> {
    /// A password that the service created, and the password that the person chooses instead.
    Made(&'a str, &'a str),
    /// A pass, which an administrator created.
    Pass(&'a str),
}

/// Performs all steps from "Add account" until phone sign-in is on.
pub(super) async fn add(walk: &mut Walk<'_, '_>, issuer: &str, user: &str, secret: Secret<'_>) -> Result<(), Trouble> {
    walk.phone.set_lock()?;
    let mut back = Loopback::listen().await?;
    let (core, address) = (walk.phone.core(), issuer.trim_start_matches("https://").to_owned());
    let step = core.add_by_signing_in(address, back.redirect_uri().to_owned()).await?;
    let Step::OpenBrowser { ticket, url, digits: Some(digits), .. } = step else {
        return Err(format!("the core did not ask to open the browser: {step:?}").into());
    };
    walk.browser.goto(&url).await?;
    walk.name(user).await?;
    walk.browser.wait_for_page("password").await?;
    match secret {
        Secret::Made(made, own) => walk.password_changed(made, own).await?,
        Secret::Pass(pass) => {
            walk.browser.click("use-pass").await?;
            walk.browser.wait_for_page("pass").await?;
            walk.browser.fill("pass", pass).await?;
            walk.page("pass").await?;
            walk.browser.click("next").await?;
        }
    }
    walk.browser.wait_for_page("add-phone").await?;
    (walk.watcher)("phone digits of the app", Seen::Phone(walk.phone.shows_digits(&digits).await?))?;
    walk.browser.fill("digits", &digits).await?;
    walk.page("add this phone").await?;
    walk.browser.click("register").await?;
    let back = back.next().await.ok_or("the browser did not return")?;
    let step = core.provide(ticket, Reply::Redirected { url: back }).await?;
    let step = walk.phone.unlock(&step).await?;
    match walk.phone.unlock(&step).await? {
        Step::PhoneSignInOn { .. } => Ok(()),
        other => Err(format!("phone sign-in is not on: {other:?}").into()),
    }
}
