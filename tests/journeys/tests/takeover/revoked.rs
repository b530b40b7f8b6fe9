//! An intruder was let in: by an approval of the owner, or by a pass. When the approval is reported, or the phone, the
//! person or the password behind it is withdrawn, everything that it gave must end.

use countersign_journeys::{PageView, Person};

use crate::phone::Phone;
use crate::program::{ADMINISTRATOR, Service};
use crate::steps::{
    Adding, Owner, administrator_does, approved, assert_not_added, assert_pass_is_worth_nothing, code_of_wizard,
    finish_wizard, open_wizard, pass_by_approval, pass_for, press, shown, signed_in_with_approval, type_digits,
    type_pass, with_phone,
};

const OWNER: &str = "ada";
const INTRUDER: u8 = 9;

/// An intruder starts adding by signing in, and the owner approves it. Returns also the prompt's id and the page that
/// names the intruder's phone.
async fn intruder_adding(service: &Service, owner: &Phone) -> (Adding, String, PageView) {
    let (adding, page) = Adding::by_password(service, INTRUDER, OWNER).await;
    let (prompt, page) = approved(&adding.browser, &page, owner, "add_method").await;
    assert_eq!(page.name(), "add-phone", "{}", shown(&page));
    (adding, prompt, page)
}

/// An intruder is signed in and asks to add a phone, and the owner approves it. Returns the intruder's browser, the
/// prompt's id and the wizard's first page.
async fn intruder_in_wizard(service: &Service, owner: &Phone) -> (Person, String, PageView) {
    let (browser, page) = signed_in_with_approval(service, INTRUDER, OWNER, owner).await;
    let page = browser.press(&page, "add-method", &[]).await.unwrap();
    let (prompt, page) = approved(&browser, &page, owner, "add_method").await;
    assert_eq!(page.name(), "install", "{}", shown(&page));
    (browser, prompt, page)
}

#[tokio::test]
async fn second_phone_is_added_by_signing_in_with_an_approval() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (mut adding, _, page) = intruder_adding(&service, &owner.phone).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn second_phone_is_added_in_the_wizard_with_an_approval() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (browser, _, page) = intruder_in_wizard(&service, &owner.phone).await;
    let code = code_of_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    finish_wizard(&browser, &mut phone, &code).await.unwrap();
    assert!(phone.is_active().await);
}

#[tokio::test]
async fn phone_is_added_with_a_pass_from_an_approval() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (_, pass) = pass_by_approval(&owner.browser, &owner.phone).await;
    let (mut adding, page) = Adding::by_pass(&service, 1, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await && owner.phone.is_active().await);
}

#[tokio::test]
async fn report_before_the_digits_ends_an_intruders_adding_by_signing_in() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (mut adding, prompt, page) = intruder_adding(&service, &owner.phone).await;
    owner.phone.report(&prompt).await;
    assert_not_added(adding.finish(&page).await, &adding.phone).await;
}

#[tokio::test]
async fn report_ends_an_intruders_code() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (mut adding, prompt, page) = intruder_adding(&service, &owner.phone).await;
    let code = adding.agree(&page).await.unwrap();
    owner.phone.report(&prompt).await;
    let outcome = match adding.redeem(&code).await {
        Ok(token) => adding.phone.add(&token).await,
        Err(refused) => Err(refused),
    };
    assert_not_added(outcome, &adding.phone).await;
}

#[tokio::test]
async fn report_ends_an_intruders_token() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (mut adding, prompt, page) = intruder_adding(&service, &owner.phone).await;
    let code = adding.agree(&page).await.unwrap();
    let token = adding.redeem(&code).await.unwrap();
    owner.phone.report(&prompt).await;
    assert_not_added(adding.phone.add(&token).await, &adding.phone).await;
}

#[tokio::test]
async fn report_after_adding_removes_the_intruders_phone() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (mut adding, prompt, page) = intruder_adding(&service, &owner.phone).await;
    adding.finish(&page).await.unwrap();
    owner.phone.report(&prompt).await;
    assert_not_added(Ok(()), &adding.phone).await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn report_before_the_digits_ends_an_intruders_wizard() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (browser, prompt, page) = intruder_in_wizard(&service, &owner.phone).await;
    let code = code_of_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    phone.bind(&code).await.unwrap();
    owner.phone.report(&prompt).await;
    assert_not_added(type_digits(&browser, &phone, &code).await, &phone).await;
}

#[tokio::test]
async fn report_after_the_wizard_removes_the_intruders_phone() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (browser, prompt, page) = intruder_in_wizard(&service, &owner.phone).await;
    let code = code_of_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    finish_wizard(&browser, &mut phone, &code).await.unwrap();
    owner.phone.report(&prompt).await;
    assert_not_added(Ok(()), &phone).await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn report_ends_the_pass_that_the_approval_gave() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (browser, _) = signed_in_with_approval(&service, INTRUDER, OWNER, &owner.phone).await;
    let (prompt, pass) = pass_by_approval(&browser, &owner.phone).await;
    owner.phone.report(&prompt).await;
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}

#[tokio::test]
async fn report_removes_the_phone_that_was_added_with_the_pass() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (browser, _) = signed_in_with_approval(&service, INTRUDER, OWNER, &owner.phone).await;
    let (prompt, pass) = pass_by_approval(&browser, &owner.phone).await;
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    owner.phone.report(&prompt).await;
    assert_not_added(Ok(()), &adding.phone).await;
}

#[tokio::test]
async fn operators_reset_ends_the_pass_that_an_approval_gave() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (browser, _) = signed_in_with_approval(&service, INTRUDER, OWNER, &owner.phone).await;
    let (_, pass) = pass_by_approval(&browser, &owner.phone).await;
    service.operator(&["set-password", OWNER], "another password for the owner");
    service.operator(&["reset-methods", OWNER], "");
    assert!(!owner.phone.is_active().await);
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}

#[tokio::test]
async fn loss_report_ends_the_pass_that_the_lost_phone_approved() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let owner = with_phone(&service, 1, OWNER).await;
    let (browser, _) = signed_in_with_approval(&service, INTRUDER, OWNER, &owner.phone).await;
    let (_, pass) = pass_by_approval(&browser, &owner.phone).await;
    administrator_does(&administrator, OWNER, "lost-1").await;
    assert!(!owner.phone.is_active().await);
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}

async fn suspend_and_resume(administrator: &Owner) {
    administrator_does(administrator, OWNER, "suspend").await;
    let page = administrator_does(administrator, OWNER, "resume").await;
    assert!(!page.text("standing").unwrap_or_default().contains("suspended"), "{}", page.html);
}

#[tokio::test]
async fn suspension_ends_what_a_typed_pass_has_started() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let pass = pass_for(&administrator, OWNER).await;
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    assert_eq!(page.name(), "add-phone", "{}", shown(&page));
    suspend_and_resume(&administrator).await;
    assert_not_added(adding.finish(&page).await, &adding.phone).await;
}

#[tokio::test]
async fn suspension_ends_the_token_of_a_typed_pass() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let pass = pass_for(&administrator, OWNER).await;
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    let code = adding.agree(&page).await.unwrap();
    let token = adding.redeem(&code).await.unwrap();
    suspend_and_resume(&administrator).await;
    assert_not_added(adding.phone.add(&token).await, &adding.phone).await;
}

#[tokio::test]
async fn suspension_ends_the_session_of_a_typed_pass() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let pass = pass_for(&administrator, OWNER).await;
    let browser = service.browser(INTRUDER);
    let page = browser.open("/sign-in").await.unwrap();
    let page = type_pass(&browser, &page, OWNER, &pass).await;
    assert_eq!(page.name(), "security-info", "{}", shown(&page));
    let code = open_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    suspend_and_resume(&administrator).await;
    assert_not_added(finish_wizard(&browser, &mut phone, &code).await, &phone).await;
    let page = press(&browser, &browser.open("/security-info").await.unwrap(), "add-method", &[]).await;
    assert!(page.is_err(), "the session has survived");
}
