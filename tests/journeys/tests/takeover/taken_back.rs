//! A thief with the session of an administrator got one approval: for adding a person, for ending a suspension, or for
//! a policy. A report must take it back.

use countersign_journeys::Person;
use serde_json::json;

use crate::program::{ADMINISTRATOR, PASSWORD, Service};
use crate::steps::{
    Owner, add_person, api_token, decided, has_session, intruder_with_phone, save_policy, shown,
    signed_in_with_approval, with_phone,
};

const SUSPENDED: &str = "ada";
const ADDED: &str = "eve";
const INTRUDER: u8 = 9;

/// The administrator adds a person, who chooses a password and adds a phone. Returns the prompt's id and the person.
async fn added_with_phone(service: &Service, administrator: &Owner) -> (String, Owner) {
    let (prompt, password) = add_person(administrator, ADDED).await;
    let browser = service.browser(INTRUDER);
    let page = browser.sign_in_as(ADDED, &password).await.unwrap();
    assert_eq!(page.name(), "new-password", "{}", shown(&page));
    browser.press(&page, "next", &[("password", PASSWORD), ("again", PASSWORD)]).await.unwrap();
    (prompt, with_phone(service, INTRUDER, ADDED).await)
}

/// The administrator ends a suspension, and the person signs in. Returns the administrator, the prompt's id and the
/// person's browser.
async fn resumed(service: &Service) -> (Owner, String, Person) {
    let administrator = with_phone(service, 1, ADMINISTRATOR).await;
    let person = with_phone(service, INTRUDER, SUSPENDED).await;
    service.operator(&["suspend", SUSPENDED], "");
    assert!(!has_session(&person.browser).await);
    let (prompt, _) = decided(&administrator, SUSPENDED, "resume").await;
    let (browser, _) = signed_in_with_approval(service, INTRUDER, SUSPENDED, &person.phone).await;
    (administrator, prompt, browser)
}

#[tokio::test]
async fn added_person_chooses_a_password_and_adds_a_phone() {
    let service = Service::start(&[]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    let (_, added) = added_with_phone(&service, &administrator).await;
    assert!(added.phone.is_active().await && has_session(&added.browser).await);
}

#[tokio::test]
async fn report_deletes_the_added_person() {
    let service = Service::start(&[]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    let (prompt, password) = add_person(&administrator, ADDED).await;
    administrator.phone.report(&prompt).await;
    let page = service.browser(INTRUDER).sign_in_as(ADDED, &password).await.unwrap();
    assert_eq!(page.name(), "password", "the added person signs in: {}", shown(&page));
}

#[tokio::test]
async fn report_deletes_the_added_person_with_phone_and_session() {
    let service = Service::start(&[]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    let (prompt, added) = added_with_phone(&service, &administrator).await;
    administrator.phone.report(&prompt).await;
    assert!(!added.phone.is_active().await && !has_session(&added.browser).await, "the added person is still there");
}

#[tokio::test]
async fn resumed_person_signs_in() {
    let service = Service::start(&[SUSPENDED]);
    let (_, _, browser) = resumed(&service).await;
    assert!(has_session(&browser).await);
}

#[tokio::test]
async fn report_suspends_the_resumed_person_again() {
    let service = Service::start(&[SUSPENDED]);
    let (administrator, prompt, browser) = resumed(&service).await;
    administrator.phone.report(&prompt).await;
    assert!(!has_session(&browser).await, "the session of the suspended person is alive");
    let page = service.browser(INTRUDER).sign_in_as(SUSPENDED, PASSWORD).await.unwrap();
    assert_eq!(page.name(), "password", "the suspended person signs in: {}", shown(&page));
}

#[tokio::test]
async fn approved_policy_takes_effect() {
    let service = Service::start(&[]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    save_policy(&administrator, "pass").await;
    assert_eq!(service.policy().await["countersign"]["bootstrap"], "pass");
}

#[tokio::test]
async fn report_restores_the_policy() {
    let service = Service::start(&[]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    let before = service.policy().await;
    let prompt = save_policy(&administrator, "pass").await;
    administrator.phone.report(&prompt).await;
    assert_eq!(service.policy().await, before);
}

#[tokio::test]
async fn report_restores_the_policy_that_an_intruders_api_token_has_changed() {
    let service = Service::start(&[]);
    let owner = with_phone(&service, 1, ADMINISTRATOR).await;
    let before = service.policy().await;
    let (intruder, prompt) = intruder_with_phone(&service, INTRUDER, ADMINISTRATOR, &owner.phone).await;
    let token = api_token(&intruder).await;
    for bootstrap in ["pass", "password", "pass"] {
        service.patch_policy(&token, &json!({ "countersign": { "bootstrap": bootstrap } })).await;
    }
    assert_ne!(service.policy().await, before);
    owner.phone.report(&prompt).await;
    assert_eq!(service.policy().await, before);
}
