//! An administrator knows the text of a pass that they made for another person. When they lose the role or the access
//! to their account, the pass must be worth nothing.

use crate::phone::Phone;
use crate::program::{ADMINISTRATOR, Service};
use crate::steps::{
    Adding, Owner, assert_not_added, assert_pass_is_worth_nothing, code_of_wizard, decided, finish_wizard, pass_for,
    press, shown, type_pass, with_phone,
};

const FORMER: &str = "bob";
const OWNER: &str = "ada";
const INTRUDER: u8 = 9;

/// An administrator makes a pass for a person who has a phone. Returns the other administrator and the pass.
async fn pass_of_former(service: &Service) -> (Owner, String) {
    service.operator(&["administrator", FORMER], "");
    let administrator = with_phone(service, 2, ADMINISTRATOR).await;
    let former = with_phone(service, 3, FORMER).await;
    with_phone(service, 1, OWNER).await;
    let pass = pass_for(&former, OWNER).await;
    (administrator, pass)
}

#[tokio::test]
async fn pass_of_an_administrator_adds_a_phone() {
    let service = Service::start(&[FORMER, OWNER]);
    let (_, pass) = pass_of_former(&service).await;
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn pass_ends_with_the_role_of_its_maker() {
    let service = Service::start(&[FORMER, OWNER]);
    let (administrator, pass) = pass_of_former(&service).await;
    decided(&administrator, FORMER, "no-administrator").await;
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}

#[tokio::test]
async fn pass_ends_when_the_operator_ends_the_role_of_its_maker() {
    let service = Service::start(&[FORMER, OWNER]);
    let (_, pass) = pass_of_former(&service).await;
    service.operator(&["administrator", FORMER, "--no-longer"], "");
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}

#[tokio::test]
async fn pass_ends_with_the_suspension_of_its_maker() {
    let service = Service::start(&[FORMER, OWNER]);
    let (administrator, pass) = pass_of_former(&service).await;
    decided(&administrator, FORMER, "suspend").await;
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}

#[tokio::test]
async fn pass_ends_with_the_deletion_of_its_maker() {
    let service = Service::start(&[FORMER, OWNER]);
    let (administrator, pass) = pass_of_former(&service).await;
    decided(&administrator, FORMER, "delete").await;
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}

#[tokio::test]
async fn pass_ends_with_the_phones_of_its_maker() {
    let service = Service::start(&[FORMER, OWNER]);
    let (administrator, pass) = pass_of_former(&service).await;
    decided(&administrator, FORMER, "remove-phones").await;
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}

#[tokio::test]
async fn pass_ends_when_the_operator_sets_the_password_of_its_maker() {
    let service = Service::start(&[FORMER, OWNER]);
    let (_, pass) = pass_of_former(&service).await;
    service.operator(&["set-password", FORMER], "another password for bob");
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}

#[tokio::test]
async fn typed_pass_ends_with_the_role_of_its_maker() {
    let service = Service::start(&[FORMER, OWNER]);
    let (administrator, pass) = pass_of_former(&service).await;
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    assert_eq!(page.name(), "add-phone", "{}", shown(&page));
    decided(&administrator, FORMER, "no-administrator").await;
    assert_not_added(adding.finish(&page).await, &adding.phone).await;
}

#[tokio::test]
async fn token_of_a_typed_pass_ends_with_the_role_of_its_maker() {
    let service = Service::start(&[FORMER, OWNER]);
    let (administrator, pass) = pass_of_former(&service).await;
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    let code = adding.agree(&page).await.unwrap();
    let token = adding.redeem(&code).await.unwrap();
    decided(&administrator, FORMER, "no-administrator").await;
    assert_not_added(adding.phone.add(&token).await, &adding.phone).await;
}

#[tokio::test]
async fn wizard_of_a_typed_pass_ends_with_the_role_of_its_maker() {
    let service = Service::start(&[FORMER, OWNER]);
    let (administrator, pass) = pass_of_former(&service).await;
    let browser = service.browser(INTRUDER);
    let page = browser.open("/sign-in").await.unwrap();
    let page = type_pass(&browser, &page, OWNER, &pass).await;
    let page = press(&browser, &page, "add-method", &[]).await.unwrap();
    let code = code_of_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    decided(&administrator, FORMER, "no-administrator").await;
    assert_not_added(finish_wizard(&browser, &mut phone, &code).await, &phone).await;
}
