//! A phone turned phone sign-in off. What it was given before must not turn it on again.

use countersign_journeys::PageView;

use crate::phone::Key;
use crate::program::Service;
use crate::steps::{Adding, press, shown};

const OWNER: &str = "ada";

#[tokio::test]
async fn phone_whose_first_response_was_lost_is_told_again_how_to_turn_on() {
    let service = Service::start(&[OWNER]);
    let (mut adding, page) = Adding::by_password(&service, 1, OWNER).await;
    let code = adding.agree(&page).await.unwrap();
    let token = adding.redeem(&code).await.unwrap();
    let lost = adding.phone.add(&token).await.unwrap();
    let again = adding.phone.add(&token).await.unwrap();
    assert_eq!(lost["device_id"], again["device_id"]);
    assert_eq!(adding.phone.turn_on(&again["turn_on"], &Key::new()).await, "done");
}

#[tokio::test]
async fn bind_repeated_after_turning_off_gives_no_token_to_turn_on() {
    let service = Service::start(&[OWNER]);
    let (mut adding, page) = Adding::by_password(&service, 1, OWNER).await;
    let code = adding.agree(&page).await.unwrap();
    let token = adding.redeem(&code).await.unwrap();
    let added = adding.phone.add(&token).await.unwrap();
    let key = Key::new();
    assert_eq!(adding.phone.turn_on(&added["turn_on"], &key).await, "done");
    adding.phone.turn_off(&key).await;
    let again = adding.phone.add(&token).await;
    let turn_on = again.as_ref().ok().and_then(|again| again.get("turn_on"));
    assert!(turn_on.is_none(), "the repeated bind gave {again:?}");
    assert!(adding.phone.is_active().await, "the phone itself stays on the account");
}

#[tokio::test]
async fn token_from_before_turning_off_does_not_turn_on_again() {
    let service = Service::start(&[OWNER]);
    let (mut adding, page) = Adding::by_password(&service, 1, OWNER).await;
    let code = adding.agree(&page).await.unwrap();
    let token = adding.redeem(&code).await.unwrap();
    let unused = adding.phone.add(&token).await.unwrap();
    let added = adding.phone.add(&token).await.unwrap();
    let key = Key::new();
    assert_eq!(adding.phone.turn_on(&added["turn_on"], &key).await, "done");
    adding.phone.turn_off(&key).await;
    assert_ne!(adding.phone.turn_on(&unused["turn_on"], &Key::new()).await, "done");
}

/// A phone with phone sign-in on, and its key.
async fn turned_on(service: &Service) -> (Adding, Key) {
    let (mut adding, page) = Adding::by_password(service, 1, OWNER).await;
    let added = adding.finish(&page).await.unwrap();
    let key = Key::new();
    assert_eq!(adding.phone.turn_on(&added["turn_on"], &key).await, "done");
    (adding, key)
}

/// The steps from the page that waits for "Continue" to the result of turning on.
async fn continued(adding: &Adding, page: &PageView) -> Result<String, String> {
    let page = press(&adding.browser, page, "finish", &[]).await?;
    agreed(adding, &page).await
}

/// The steps from the page that asks to register the phone to the result of turning on.
async fn agreed(adding: &Adding, page: &PageView) -> Result<String, String> {
    let code = adding.agree(page).await?;
    redeemed(adding, &code).await
}

/// The steps from the authorization code to the result of turning on.
async fn redeemed(adding: &Adding, code: &str) -> Result<String, String> {
    let token = adding.tokens(code).await?;
    Ok(adding.phone.turn_on(&token, &Key::new()).await)
}

#[tokio::test]
async fn approval_turns_on_another_key() {
    let service = Service::start(&[OWNER]);
    let (mut adding, _) = turned_on(&service).await;
    let page = adding.turning_on(OWNER).await;
    assert_eq!(continued(&adding, &page).await.unwrap(), "done");
}

#[tokio::test]
async fn approval_from_before_turning_off_does_not_turn_on_again() {
    let service = Service::start(&[OWNER]);
    let (mut adding, key) = turned_on(&service).await;
    let page = adding.turning_on(OWNER).await;
    adding.phone.turn_off(&key).await;
    assert_ne!(continued(&adding, &page).await.unwrap_or_default(), "done");
}

#[tokio::test]
async fn open_page_from_before_turning_off_does_not_turn_on_again() {
    let service = Service::start(&[OWNER]);
    let (mut adding, key) = turned_on(&service).await;
    let page = adding.turning_on(OWNER).await;
    let page = press(&adding.browser, &page, "finish", &[]).await.unwrap();
    assert_eq!(page.name(), "register-phone", "{}", shown(&page));
    adding.phone.turn_off(&key).await;
    assert_ne!(agreed(&adding, &page).await.unwrap_or_default(), "done");
}

#[tokio::test]
async fn code_from_before_turning_off_does_not_turn_on_again() {
    let service = Service::start(&[OWNER]);
    let (mut adding, key) = turned_on(&service).await;
    let page = adding.turning_on(OWNER).await;
    let page = press(&adding.browser, &page, "finish", &[]).await.unwrap();
    let code = adding.agree(&page).await.unwrap();
    adding.phone.turn_off(&key).await;
    assert_ne!(redeemed(&adding, &code).await.unwrap_or_default(), "done");
}
