//! The owner has reported a sign-in with the password: somebody else knows it. When the account no longer has a
//! phone, the reported password must not add the next one.

use crate::phone::Phone;
use crate::program::{ADMINISTRATOR, Service};
use crate::steps::{
    Adding, Owner, assert_not_added, decided, finish_wizard, open_wizard, pass_of_operator, shown, signed_in,
    with_phone,
};

const OWNER: &str = "ada";
const THIEF: u8 = 9;

/// A thief types the password, and the owner reports the sign-in.
async fn reported(service: &Service) -> Owner {
    let owner = with_phone(service, 1, OWNER).await;
    signed_in(service, THIEF, OWNER).await;
    owner.phone.report_unanswered("second_factor").await;
    owner
}

/// Adds a phone with the password, in the wizard and by signing in. Both must fail.
async fn assert_password_adds_no_phone(service: &Service) {
    let (browser, page) = signed_in(service, THIEF, OWNER).await;
    let mut phone = Phone::new(&service.issuer, browser.clone());
    let outcome = match open_wizard(&browser, &page).await {
        Ok(code) => finish_wizard(&browser, &mut phone, &code).await,
        Err(refused) => Err(refused),
    };
    assert_not_added(outcome, &phone).await;
    let (mut adding, page) = Adding::by_password(service, THIEF, OWNER).await;
    assert_not_added(adding.finish(&page).await, &adding.phone).await;
    assert_eq!(page.name(), "pass-needed", "{}", shown(&page));
}

#[tokio::test]
async fn password_that_was_not_reported_adds_a_phone_after_a_reset() {
    let service = Service::start(&[OWNER]);
    with_phone(&service, 1, OWNER).await;
    service.operator(&["reset-methods", OWNER], "");
    let (mut adding, page) = Adding::by_password(&service, 2, OWNER).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn pass_adds_a_phone_although_the_password_was_reported() {
    let service = Service::start(&[OWNER]);
    reported(&service).await;
    service.operator(&["reset-methods", OWNER], "");
    let pass = pass_of_operator(&service, OWNER);
    let (mut adding, page) = Adding::by_pass(&service, 2, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn reported_password_adds_no_phone_after_the_operators_reset() {
    let service = Service::start(&[OWNER]);
    reported(&service).await;
    service.operator(&["reset-methods", OWNER], "");
    assert_password_adds_no_phone(&service).await;
}

#[tokio::test]
async fn reported_password_adds_no_phone_after_an_administrators_reset() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    reported(&service).await;
    decided(&administrator, OWNER, "remove-phones").await;
    assert_password_adds_no_phone(&service).await;
}

#[tokio::test]
async fn reported_password_adds_no_phone_after_the_last_phone_removed_itself() {
    let service = Service::start(&[OWNER]);
    let owner = reported(&service).await;
    owner.phone.unenroll().await;
    assert_password_adds_no_phone(&service).await;
}
