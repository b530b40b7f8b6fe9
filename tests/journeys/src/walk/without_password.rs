//! Runs the second half of the scenario: Ada turns phone sign-in on, signs in with the phone, reports a sign-in, turns
//! phone sign-in off, and loses the phone.

use countersign::{Outcome, PromptId, PromptKind, Reply, Step};
use countersign_phone::Loopback;

use super::walker::{SignedIn, Walk, forget_service};
use crate::people::{PASSWORD, USER};
use crate::relying_party::RelyingParty;
use crate::trouble::Trouble;

pub(super) async fn steps(walk: &mut Walk<'_, '_>, relying_party: &RelyingParty) -> Result<Vec<SignedIn>, Trouble> {
    turn_on(walk).await?;
    start_sign_in(walk, relying_party).await?;
    walk.browser.wait_for_page("password").await?;
    walk.browser.click("use-phone").await?;
    walk.browser.wait_for_page("number").await?;
    walk.page("sign-in number to be chosen").await?;
    let chosen = walk.approve(PromptKind::PhoneSignIn, Some("phone chosen of three")).await?;
    walk.browser.wait_for_page("signed-in").await?;
    let mut ways = vec![walk.signed_in("phone, number chosen out of three").await?];
    walk.page("signed in without a password").await?;

    report(walk, &chosen).await?;
    walk.browser.forget().await?;
    start_sign_in(walk, relying_party).await?;
    typed(walk).await?;
    walk.browser.wait_for_page("signed-in").await?;
    ways.push(walk.signed_in("phone, number typed").await?);
    walk.page("signed in in a new browser").await?;
    turn_off(walk, relying_party).await?;
    lose(walk).await?;
    Ok(ways)
}

/// Performs all steps until phone sign-in is on, including the steps in the browser.
async fn turn_on(walk: &mut Walk<'_, '_>) -> Result<(), Trouble> {
    walk.phone.set_lock()?;
    let mut browser = Loopback::listen().await?;
    let (core, account) = (walk.phone.core(), walk.phone.core().accounts().await?.remove(0).id);
    let step = core.turn_on_phone_sign_in(account, browser.redirect_uri().to_owned()).await?;
    let Step::ConfirmDevice { ticket, .. } = step else { return Err(format!("{step:?}").into()) };
    let step = core.provide(ticket.clone(), Reply::Confirmed).await?;
    let Step::OpenBrowser { url, .. } = step else { return Err(format!("{step:?}").into()) };
    walk.browser.goto(&url).await?;
    walk.sign_in().await?;
    walk.browser.wait_for_page("number").await?;
    walk.page("number to turn on phone sign-in").await?;
    walk.approve(PromptKind::RegisterDevice, Some("phone asks to turn on phone sign-in")).await?;
    walk.browser.wait_for_page("register-phone").await?;
    walk.page("register this phone").await?;
    walk.browser.click("register").await?;
    let back = browser.next().await.ok_or("the browser did not return")?;
    let step = core.provide(ticket, Reply::Redirected { url: back }).await?;
    let step = walk.phone.unlock(&step).await?;
    match walk.phone.unlock(&step).await? {
        Step::PhoneSignInOn { .. } => {}
        other => return Err(format!("phone sign-in is not on: {other:?}").into()),
    }
    walk.browser.goto(&format!("{}/security-info", walk.phone.issuer().await?)).await?;
    walk.browser.wait_for_page("security-info").await?;
    walk.page("security info with phone sign-in").await?;
    walk.browser.click("sign-out").await?;
    walk.browser.wait_for_page("signed-out").await
}

/// Deletes the relying party's cookies and starts a sign-in. The service's cookies are kept, so the service recognizes
/// a known browser.
async fn start_sign_in(walk: &mut Walk<'_, '_>, relying_party: &RelyingParty) -> Result<(), Trouble> {
    walk.browser.goto(&format!("{}/welcome.html", relying_party.url)).await?;
    walk.browser.forget().await?;
    walk.browser.goto(&format!("{}/welcome.html", relying_party.url)).await?;
    walk.browser.click("sign-in").await?;
    walk.name(USER).await
}

/// Signs in from an unknown browser: Ada types three digits on the phone, and the page shows the account's name before
/// it continues.
async fn typed(walk: &mut Walk<'_, '_>) -> Result<(), Trouble> {
    walk.browser.wait_for_page("password").await?;
    walk.browser.click("use-phone").await?;
    walk.browser.wait_for_page("number").await?;
    walk.page("sign-in number in a new browser").await?;
    walk.approve(PromptKind::PhoneSignIn, Some("phone asks for the typed number")).await?;
    walk.browser.wait_for_page("name-account").await?;
    walk.page("page names the account").await?;
    walk.browser.click("continue").await
}

/// Reports an approved sign-in: "It wasn't me". The session ends.
async fn report(walk: &mut Walk<'_, '_>, prompt: &PromptId) -> Result<(), Trouble> {
    match walk.phone.core().report(prompt.clone()).await? {
        Step::Done { outcome: Outcome::Reported } => {}
        other => return Err(format!("not reported: {other:?}").into()),
    }
    walk.browser.goto(&format!("{}/security-info", walk.phone.issuer().await?)).await?;
    walk.browser.wait_for_page("user-name").await?;
    walk.page("session has ended after the report").await?;
    forget_service(walk, &walk.phone.issuer().await?).await
}

/// Turns phone sign-in off. The next sign-in can't use the phone alone: it needs the password, and then the phone as
/// the second factor.
async fn turn_off(walk: &mut Walk<'_, '_>, relying_party: &RelyingParty) -> Result<(), Trouble> {
    let account = walk.phone.core().accounts().await?.remove(0).id;
    walk.phone.core().turn_off_phone_sign_in(account).await?;
    walk.browser.goto(&format!("{}/security-info", walk.phone.issuer().await?)).await?;
    walk.browser.wait_for_page("security-info").await?;
    walk.browser.click("sign-out").await?;
    walk.browser.wait_for_page("signed-out").await?;
    start_sign_in(walk, relying_party).await?;
    walk.browser.wait_for_page("not-started").await?;
    walk.page("phone sign-in is off so the phone is not asked").await?;
    walk.browser.click("use-password").await?;
    walk.browser.wait_for_page("password").await?;
    walk.browser.fill("password", PASSWORD).await?;
    walk.browser.click("next").await?;
    walk.browser.wait_for_page("number").await?;
    walk.approve(PromptKind::SecondFactor, Some("phone is asked after the password")).await?;
    walk.browser.wait_for_page("signed-in").await
}

/// Ada has lost the only phone. The page says whom Ada can ask for help.
async fn lose(walk: &mut Walk<'_, '_>) -> Result<(), Trouble> {
    walk.browser.goto(&format!("{}/security-info", walk.phone.issuer().await?)).await?;
    walk.browser.wait_for_page("security-info").await?;
    walk.browser.click("lost-1").await?;
    walk.browser.wait_for_page("not-reported").await?;
    walk.page("the only phone is lost and the page says who helps").await?;
    Ok(())
}
