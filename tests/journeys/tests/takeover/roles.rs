//! A thief has made an accomplice an administrator with an approval of the owner. A report must end the role, however
//! the accomplice has used it.

use std::collections::HashMap;

use countersign_journeys::{PageView, Person};

use crate::program::{ADMINISTRATOR, Service};
use crate::steps::{
    Adding, Owner, api_token, approved_act, assert_administrator, assert_no_administrator, assert_not_added,
    assert_pass_is_worth_nothing, decided, page_about, pass_for, signed_in_with_approval, with_phone,
};

const ACCOMPLICE: &str = "mallory";
const FRIEND: &str = "eve";
const OWNER: &str = "ada";

/// Sends the form that makes a person an administrator, also if the page does not have it. Returns the next page.
async fn ask_for_role(browser: &Person, user: &str) -> PageView {
    let page = page_about(browser, user).await;
    let fields = [
        ("csrf", page.attribute("input[name=csrf]", "value").unwrap()),
        ("account", page.text("account-id").unwrap()),
        ("act", "administrator".to_owned()),
    ];
    let fields: HashMap<String, String> = fields.map(|(name, value)| (name.to_owned(), value)).into();
    let issuer = page.address.split("/admin").next().unwrap();
    browser.post("/admin/person", &fields, issuer).await.unwrap()
}

/// The owner's phone approves that the accomplice becomes an administrator. Returns the owner, the prompt's id and the
/// accomplice.
async fn accomplice(service: &Service) -> (Owner, String, Owner) {
    let owner = with_phone(service, 1, ADMINISTRATOR).await;
    let accomplice = with_phone(service, 9, ACCOMPLICE).await;
    let (prompt, _) = decided(&owner, ACCOMPLICE, "administrator").await;
    assert_administrator(&accomplice.browser).await;
    (owner, prompt, accomplice)
}

#[tokio::test]
async fn report_ends_the_role() {
    let service = Service::start(&[ACCOMPLICE]);
    let (owner, prompt, accomplice) = accomplice(&service).await;
    owner.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
}

#[tokio::test]
async fn role_that_was_asked_for_again_ends_with_the_report() {
    let service = Service::start(&[ACCOMPLICE]);
    let (owner, prompt, accomplice) = accomplice(&service).await;
    let page = ask_for_role(&accomplice.browser, ACCOMPLICE).await;
    if page.number().is_ok() {
        approved_act(&accomplice, &page).await;
    }
    owner.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
}

#[tokio::test]
async fn roles_and_passes_of_an_administrator_last_without_a_report() {
    let service = Service::start(&[ACCOMPLICE, FRIEND, OWNER]);
    let (_, _, accomplice) = accomplice(&service).await;
    let friend = with_phone(&service, 8, FRIEND).await;
    decided(&accomplice, FRIEND, "administrator").await;
    assert_administrator(&friend.browser).await;
    let pass = pass_for(&accomplice, OWNER).await;
    let (mut adding, page) = Adding::by_pass(&service, 9, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn report_ends_the_roles_that_the_accomplice_gave() {
    let service = Service::start(&[ACCOMPLICE, FRIEND]);
    let (owner, prompt, accomplice) = accomplice(&service).await;
    let friend = with_phone(&service, 8, FRIEND).await;
    decided(&accomplice, FRIEND, "administrator").await;
    owner.phone.report(&prompt).await;
    assert_no_administrator(&friend.browser).await;
}

#[tokio::test]
async fn report_ends_the_pass_that_the_accomplice_made_for_the_owner() {
    let service = Service::start(&[ACCOMPLICE]);
    let (owner, prompt, accomplice) = accomplice(&service).await;
    let pass = pass_for(&accomplice, ADMINISTRATOR).await;
    owner.phone.report(&prompt).await;
    assert_pass_is_worth_nothing(&service, ADMINISTRATOR, &pass).await;
}

#[tokio::test]
async fn report_removes_the_phone_that_the_accomplices_pass_added() {
    let service = Service::start(&[ACCOMPLICE]);
    let (owner, prompt, accomplice) = accomplice(&service).await;
    let pass = pass_for(&accomplice, ADMINISTRATOR).await;
    let (mut adding, page) = Adding::by_pass(&service, 9, ADMINISTRATOR, &pass).await;
    adding.finish(&page).await.unwrap();
    owner.phone.report(&prompt).await;
    assert_not_added(Ok(()), &adding.phone).await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn api_token_from_before_the_report_stays_ended_with_a_new_role() {
    let service = Service::start(&[ACCOMPLICE]);
    let (owner, prompt, accomplice) = accomplice(&service).await;
    let token = api_token(&accomplice).await;
    assert!(service.accepts(&token).await);
    owner.phone.report(&prompt).await;
    assert!(!service.accepts(&token).await);
    service.operator(&["administrator", ACCOMPLICE], "");
    let (browser, _) = signed_in_with_approval(&service, 9, ACCOMPLICE, &accomplice.phone).await;
    assert_administrator(&browser).await;
    assert!(!service.accepts(&token).await, "the API accepts the token again");
}
