//! Performs the administrator's steps: saves the policy, adds Ada, and helps when Ada's phone is lost.

use countersign::PromptKind;

use super::from_the_app::{Secret, add};
use super::walker::Walk;
use crate::people::USER;
use crate::trouble::Trouble;

/// The user name of a service's first administrator.
const NAME: &str = "administrator";
const OWN_PASSWORD: &str = "a password of the administrator's own";

/// The administrator signs in with the password that the service has printed, adds a phone, saves the policy and adds
/// Ada. Returns the password that the service created for Ada.
pub(super) async fn prepare(walk: &mut Walk<'_, '_>, issuer: &str, printed: &str) -> Result<String, Trouble> {
    add(walk, issuer, NAME, Secret::Made(printed, OWN_PASSWORD)).await?;
    walk.browser.goto(&format!("{issuer}/admin")).await?;
    walk.name(NAME).await?;
    walk.browser.wait_for_page("password").await?;
    walk.browser.click("use-phone").await?;
    walk.approve(PromptKind::PhoneSignIn, None).await?;
    // The browser is unknown, so the page first shows the account's name.
    walk.browser.wait_for_page("name-account").await?;
    walk.browser.click("continue").await?;
    walk.browser.wait_for_page("security-info").await?;
    walk.browser.click("admin").await?;
    walk.browser.wait_for_page("admin-people").await?;
    walk.browser.click("policy").await?;
    walk.browser.wait_for_page("admin-policy").await?;
    walk.browser.click("save").await?;
    walk.browser.wait_for_page("act-number").await?;
    walk.page("administrator saves the policy").await?;
    walk.approve(PromptKind::ChangePolicy, Some("administrator's phone")).await?;
    walk.browser.wait_for_page("act-done").await?;
    walk.browser.click("done").await?;
    walk.browser.wait_for_page("admin-policy").await?;
    walk.browser.click("people").await?;
    walk.browser.wait_for_page("admin-people").await?;
    walk.browser.fill("user-name", USER).await?;
    walk.browser.fill("name", "Ada Lovelace").await?;
    walk.page("administrator adds a person").await?;
    walk.browser.click("add-person").await?;
    walk.approve(PromptKind::AddPerson, None).await?;
    walk.browser.wait_for_page("person-added").await?;
    walk.page("person added").await?;
    walk.browser.text("made-password").await
}

/// Ada has lost the only phone. The administrator reports the phone lost and creates a pass. Returns the pass.
pub(super) async fn help(walk: &mut Walk<'_, '_>, issuer: &str) -> Result<String, Trouble> {
    walk.browser.goto(&format!("{issuer}/admin")).await?;
    walk.browser.wait_for_page("admin-people").await?;
    walk.browser.open_link("Ada Lovelace").await?;
    walk.browser.wait_for_page("admin-person").await?;
    walk.page("person").await?;
    walk.browser.click("lost-1").await?;
    walk.browser.wait_for_page("lost-since").await?;
    walk.page("what the lost phone gave").await?;
    walk.browser.click("unknown").await?;
    walk.approve(PromptKind::ReportLostForPerson, None).await?;
    walk.browser.wait_for_page("act-done").await?;
    walk.browser.click("done").await?;
    walk.browser.wait_for_page("admin-person").await?;
    walk.browser.click("make-pass").await?;
    walk.approve(PromptKind::CreatePassForPerson, None).await?;
    walk.browser.wait_for_page("pass-made").await?;
    walk.page("administrator creates a pass").await?;
    walk.browser.text("pass-text").await
}
