//! What the administrator does: decides on the policy, adds Ada, and helps her when her phone is lost.

use countersign::PromptKind;

use super::from_the_app::{Secret, add};
use super::walker::Walk;
use crate::people::USER;
use crate::trouble::Trouble;

/// The name of a service's first administrator.
const NAME: &str = "administrator";
const OWN_PASSWORD: &str = "a password of the administrator's own";

/// From the password that the service printed to the pages; returns the password that was made for Ada.
pub(super) async fn prepare(walk: &mut Walk<'_, '_>, issuer: &str, printed: &str) -> Result<String, Trouble> {
    add(walk, issuer, NAME, Secret::Made(printed, OWN_PASSWORD)).await?;
    walk.browser.goto(&format!("{issuer}/admin")).await?;
    walk.name(NAME).await?;
    walk.browser.wait_for_page("password").await?;
    walk.browser.click("use-phone").await?;
    walk.approve(PromptKind::PhoneSignIn, None).await?;
    // This browser never signed in with a phone, so it names the account first.
    walk.browser.wait_for_page("name-account").await?;
    walk.browser.click("continue").await?;
    walk.browser.wait_for_page("security-info").await?;
    walk.browser.click("admin").await?;
    walk.browser.wait_for_page("admin-people").await?;
    walk.browser.click("policy").await?;
    walk.browser.wait_for_page("admin-policy").await?;
    walk.browser.click("save").await?;
    walk.browser.wait_for("outcome").await?;
    walk.page("policy").await?;
    walk.browser.click("people").await?;
    walk.browser.wait_for_page("admin-people").await?;
    walk.browser.fill("user-name", USER).await?;
    walk.browser.fill("name", "Ada Lovelace").await?;
    walk.page("people").await?;
    walk.browser.click("add-person").await?;
    walk.browser.wait_for_page("person-added").await?;
    walk.page("person added").await?;
    walk.browser.text("made-password").await
}

/// Ada has nothing left to prove herself with: her phone is reported lost, and she gets a pass, which is returned.
pub(super) async fn help(walk: &mut Walk<'_, '_>, issuer: &str) -> Result<String, Trouble> {
    walk.browser.goto(&format!("{issuer}/admin")).await?;
    walk.browser.wait_for_page("admin-people").await?;
    walk.browser.open_link("Ada Lovelace").await?;
    walk.browser.wait_for_page("admin-person").await?;
    walk.page("person").await?;
    walk.browser.click("lost-1").await?;
    walk.browser.wait_for("outcome").await?;
    walk.browser.click("make-pass").await?;
    walk.browser.wait_for_page("pass-made").await?;
    walk.page("pass made").await?;
    walk.browser.text("pass-text").await
}
