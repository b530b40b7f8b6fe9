//! A thief has typed a pass for a person without a phone, and has not added a phone yet. When the person gets a new
//! pass, the typed one must be worth nothing.

use countersign_journeys::{PageView, Person};

use crate::phone::Phone;
use crate::program::{ADMINISTRATOR, Service};
use crate::steps::{
    Adding, assert_not_added, code_of_wizard, finish_wizard, open_wizard, pass_for, pass_of_operator, press, shown,
    type_digits, type_pass, with_phone,
};

const OWNER: &str = "ada";
const THIEF: u8 = 9;

/// The thief types a pass on the sign-in page. Returns the browser with the session of the pass.
async fn session_of_pass(service: &Service) -> (Person, PageView) {
    let browser = service.browser(THIEF);
    let page = browser.open("/sign-in").await.unwrap();
    let page = type_pass(&browser, &page, OWNER, &pass_of_operator(service, OWNER)).await;
    assert_eq!(page.name(), "security-info", "{}", shown(&page));
    (browser, page)
}

/// The thief types a pass for a phone that is being added. Returns the page that names the phone.
async fn adding_by_pass(service: &Service) -> (Adding, PageView) {
    let (adding, page) = Adding::by_pass(service, THIEF, OWNER, &pass_of_operator(service, OWNER)).await;
    assert_eq!(page.name(), "add-phone", "{}", shown(&page));
    (adding, page)
}

#[tokio::test]
async fn typed_pass_adds_a_phone_by_signing_in() {
    let service = Service::start(&[OWNER]);
    let (mut adding, page) = adding_by_pass(&service).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn typed_pass_adds_a_phone_in_the_wizard() {
    let service = Service::start(&[OWNER]);
    let (browser, page) = session_of_pass(&service).await;
    let code = open_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    finish_wizard(&browser, &mut phone, &code).await.unwrap();
    assert!(phone.is_active().await);
}

#[tokio::test]
async fn new_pass_ends_an_adding_by_the_typed_pass() {
    let service = Service::start(&[OWNER]);
    let (mut adding, page) = adding_by_pass(&service).await;
    pass_of_operator(&service, OWNER);
    assert_not_added(adding.finish(&page).await, &adding.phone).await;
}

#[tokio::test]
async fn new_pass_of_an_administrator_ends_an_adding_by_the_typed_pass() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let (mut adding, page) = adding_by_pass(&service).await;
    pass_for(&administrator, OWNER).await;
    assert_not_added(adding.finish(&page).await, &adding.phone).await;
}

#[tokio::test]
async fn phone_added_with_a_new_pass_ends_an_adding_by_the_typed_pass() {
    let service = Service::start(&[OWNER]);
    let (mut adding, page) = adding_by_pass(&service).await;
    let pass = pass_of_operator(&service, OWNER);
    let (mut owner, owners_page) = Adding::by_pass(&service, 1, OWNER, &pass).await;
    owner.finish(&owners_page).await.unwrap();
    assert_not_added(adding.finish(&page).await, &adding.phone).await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn new_pass_ends_a_code_of_the_typed_pass() {
    let service = Service::start(&[OWNER]);
    let (mut adding, page) = adding_by_pass(&service).await;
    let code = adding.agree(&page).await.unwrap();
    pass_of_operator(&service, OWNER);
    let outcome = match adding.redeem(&code).await {
        Ok(token) => adding.phone.add(&token).await,
        Err(refused) => Err(refused),
    };
    assert_not_added(outcome, &adding.phone).await;
}

#[tokio::test]
async fn new_pass_ends_a_token_of_the_typed_pass() {
    let service = Service::start(&[OWNER]);
    let (mut adding, page) = adding_by_pass(&service).await;
    let code = adding.agree(&page).await.unwrap();
    let token = adding.redeem(&code).await.unwrap();
    pass_of_operator(&service, OWNER);
    assert_not_added(adding.phone.add(&token).await, &adding.phone).await;
}

#[tokio::test]
async fn new_pass_ends_the_session_of_the_typed_pass() {
    let service = Service::start(&[OWNER]);
    let (browser, page) = session_of_pass(&service).await;
    pass_of_operator(&service, OWNER);
    let mut phone = Phone::new(&service.issuer, browser.clone());
    let outcome = match open_wizard(&browser, &page).await {
        Ok(code) => finish_wizard(&browser, &mut phone, &code).await,
        Err(refused) => Err(refused),
    };
    assert_not_added(outcome, &phone).await;
}

#[tokio::test]
async fn new_pass_ends_a_wizard_of_the_typed_pass() {
    let service = Service::start(&[OWNER]);
    let (browser, page) = session_of_pass(&service).await;
    let page = press(&browser, &page, "add-method", &[]).await.unwrap();
    let code = code_of_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    phone.bind(&code).await.unwrap();
    pass_of_operator(&service, OWNER);
    assert_not_added(type_digits(&browser, &phone, &code).await, &phone).await;
}
