//! Performs steps in a real browser on the service's pages.

use std::time::Duration;

use countersign::{FetchReason, Outcome, PromptKind, Step};
use countersign_journeys::TestPhone;
use countersign_journeys::browser::Browser;
use countersign_journeys::people::USER;

/// Ada types the user name.
pub(crate) async fn name_typed(browser: &Browser, issuer: &str) {
    browser.goto(&format!("{issuer}/sign-in")).await.unwrap();
    browser.fill("user-name", USER).await.unwrap();
    browser.click("next").await.unwrap();
}

/// Signs Ada in with the phone, in an unknown browser.
pub(crate) async fn signed_in(browser: &Browser, issuer: &str, phone: &TestPhone) {
    name_typed(browser, issuer).await;
    browser.wait_for_page("password").await.unwrap();
    browser.click("use-phone").await.unwrap();
    phone_approves(browser, phone).await;
    browser.wait_for_page("name-account").await.unwrap();
    browser.click("continue").await.unwrap();
    browser.wait_for_page("security-info").await.unwrap();
}

/// Waits until the browser has loaded a page of the service. Returns the page's name, or an empty string if the
/// page has no name.
pub(crate) async fn arrived(browser: &Browser, issuer: &str) -> String {
    for _try in 0..200 {
        if browser.address().await.unwrap().starts_with(issuer) {
            let name =
                "return document.readyState == 'complete' ? document.getElementById('page')?.dataset.page ?? '' : null";
            if let Some(name) = browser.run(name).await.unwrap().as_str() {
                return name.to_owned();
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the browser stays at {}", browser.address().await.unwrap());
}

/// Approves the prompt with the number on the page. Fetches first, because the service does not push a quiet prompt.
pub(crate) async fn phone_approves(browser: &Browser, phone: &TestPhone) {
    browser.wait_for_page("number").await.unwrap();
    phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let step = phone.approve_unlocked(&prompt, browser.number().await.unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
}

/// Waits until the phone has no open prompt.
pub(crate) async fn no_prompts_left(phone: &TestPhone) {
    for _try in 0..100 {
        phone.core().check_for_prompts(FetchReason::Poll).await.unwrap();
        if phone.open_prompts().await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("prompts are still open: {:?}", phone.open_prompts().await.unwrap());
}
