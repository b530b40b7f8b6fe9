//! Somebody made a mistake, and an intruder tries to hide it from the report: with a suspension, with a phone that
//! removes itself, or by taking something and giving it back.

use crate::program::{ADMINISTRATOR, Service};
use crate::steps::{
    Owner, assert_administrator, assert_no_administrator, decided, open_wizard, signed_in, signed_in_with_approval,
    with_phone,
};

const ACCOMPLICE: &str = "mallory";
const OTHER: &str = "bob";
const OWNER: &str = "ada";
const INTRUDER: u8 = 9;

/// The administrator makes the accomplice an administrator by mistake. Returns the administrator, the prompt's id and
/// the accomplice.
async fn mistake(service: &Service) -> (Owner, String, Owner) {
    let administrator = with_phone(service, 1, ADMINISTRATOR).await;
    let accomplice = with_phone(service, INTRUDER, ACCOMPLICE).await;
    let (prompt, _) = decided(&administrator, ACCOMPLICE, "administrator").await;
    assert_administrator(&accomplice.browser).await;
    (administrator, prompt, accomplice)
}

/// Another administrator, named by the operator.
async fn other(service: &Service) -> Owner {
    service.operator(&["administrator", OTHER], "");
    with_phone(service, 2, OTHER).await
}

#[tokio::test]
async fn report_repeated_after_a_suspension_ends_the_role() {
    let service = Service::start(&[ACCOMPLICE]);
    let (administrator, prompt, accomplice) = mistake(&service).await;
    decided(&accomplice, ADMINISTRATOR, "suspend").await;
    administrator.phone.report(&prompt).await;
    service.operator(&["resume", ADMINISTRATOR], "");
    administrator.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
}

#[tokio::test]
async fn report_of_a_reset_removes_the_phone_added_after_one_that_removed_itself() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    with_phone(&service, 2, OWNER).await;
    let (prompt, _) = decided(&administrator, OWNER, "remove-phones").await;
    with_phone(&service, INTRUDER, OWNER).await.phone.unenroll().await;
    let intruder = with_phone(&service, INTRUDER, OWNER).await;
    administrator.phone.report(&prompt).await;
    assert!(!intruder.phone.is_active().await, "the intruder's phone is active");
}

#[tokio::test]
async fn password_adds_no_phone_after_a_reset_was_reported() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    with_phone(&service, 2, OWNER).await;
    let (prompt, _) = decided(&administrator, OWNER, "remove-phones").await;
    administrator.phone.report(&prompt).await;
    let (browser, page) = signed_in(&service, INTRUDER, OWNER).await;
    assert!(open_wizard(&browser, &page).await.is_err(), "the password adds a phone");
}

#[tokio::test]
async fn role_that_an_intruder_took_and_gave_back_stays_after_the_report() {
    let service = Service::start(&[ACCOMPLICE, OTHER]);
    let other = other(&service).await;
    let (administrator, prompt, accomplice) = mistake(&service).await;
    for button in ["no-administrator", "administrator"] {
        decided(&accomplice, OTHER, button).await;
    }
    administrator.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
    assert_administrator(&other.browser).await;
}

#[tokio::test]
async fn suspension_that_an_intruder_began_and_ended_stays_ended_after_the_report() {
    let service = Service::start(&[ACCOMPLICE, OTHER]);
    let other = other(&service).await;
    let (administrator, prompt, accomplice) = mistake(&service).await;
    for button in ["suspend", "resume"] {
        decided(&accomplice, OTHER, button).await;
    }
    administrator.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
    let (browser, _) = signed_in_with_approval(&service, 2, OTHER, &other.phone).await;
    assert_administrator(&browser).await;
}
