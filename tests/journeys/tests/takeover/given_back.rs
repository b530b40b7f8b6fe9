//! Somebody made a mistake, and an intruder tries to hide it from the report: with a suspension, with a phone that
//! removes itself, or by taking something and giving it back.

use std::time::Duration;

use countersign_journeys::Person;

use crate::phone::Phone;
use crate::program::{ADMINISTRATOR, PASSWORD, Service};
use crate::steps::{
    Owner, added_with_approval, approved, approved_act, ask_to_report_lost, ask_to_save_policy, assert_administrator,
    assert_no_administrator, decided, has_session, intruder_with_phone, open_wizard, page_about, report_lost,
    save_policy, shown, signed_in, signed_in_with_approval, with_phone,
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

/// A report ends the session of the browser that asked, so the administrator signs in again.
async fn signed_in_again(service: &Service, administrator: Owner) -> Owner {
    let (browser, _) = signed_in_with_approval(service, 1, ADMINISTRATOR, &administrator.phone).await;
    Owner { browser, phone: administrator.phone }
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
async fn role_ends_with_the_second_report_too() {
    let service = Service::start(&[ACCOMPLICE, OTHER]);
    let other = other(&service).await;
    let (administrator, prompt, accomplice) = mistake(&service).await;
    administrator.phone.report(&prompt).await;
    let (prompt, _) = decided(&other, ACCOMPLICE, "administrator").await;
    assert_administrator(&accomplice.browser).await;
    other.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
}

#[tokio::test]
async fn password_adds_no_phone_after_an_added_phone_approved_another() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    with_phone(&service, 2, OWNER).await;
    let (prompt, _) = decided(&administrator, OWNER, "remove-phones").await;
    let first = with_phone(&service, INTRUDER, OWNER).await;
    added_with_approval(&service, INTRUDER, OWNER, &first.phone).await;
    administrator.phone.report(&prompt).await;
    let (browser, page) = signed_in(&service, INTRUDER, OWNER).await;
    assert!(open_wizard(&browser, &page).await.is_err(), "the password adds a phone");
}

#[tokio::test]
async fn report_removes_the_phone_that_a_policy_let_the_password_add() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    save_policy(&administrator, "pass").await;
    let prompt = save_policy(&administrator, "password").await;
    let intruder = with_phone(&service, INTRUDER, OWNER).await;
    administrator.phone.report(&prompt).await;
    assert!(!intruder.phone.is_active().await, "the intruder's phone is active");
}

/// The finder of a phone reports the policy that its owner has approved with another phone.
#[tokio::test]
async fn policy_that_a_finder_reports_still_applies_where_it_is_stricter() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    let (finder, _) = intruder_with_phone(&service, INTRUDER, ADMINISTRATOR, &administrator.phone).await;
    let page = ask_to_save_policy(&administrator, "pass").await;
    let prompt = finder.phone.open_prompt("change_policy").await;
    approved_act(&administrator, &page).await;
    finder.phone.report(&prompt).await;
    let (browser, page) = signed_in(&service, INTRUDER, OWNER).await;
    assert!(open_wizard(&browser, &page).await.is_err(), "the password adds a phone");
    let administrator = signed_in_again(&service, administrator).await;
    let page = administrator.browser.open("/admin/policy").await.unwrap();
    assert!(page.html.contains("/countersign/bootstrap:"), "{}", page.html);
    // An approval in the same second as the report does not count as later.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    save_policy(&administrator, "password").await;
    with_phone(&service, 2, OWNER).await;
}

#[tokio::test]
async fn group_that_an_intruder_added_a_person_to_needs_a_decision_after_the_report() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 1, ADMINISTRATOR).await;
    let (intruder, _) = intruder_with_phone(&service, INTRUDER, ADMINISTRATOR, &administrator.phone).await;
    let page = administrator.browser.open("/admin/groups").await.unwrap();
    let page = administrator.browser.press(&page, "add-group", &[("name", "Group")]).await.unwrap();
    approved_act(&administrator, &page).await;
    decided(&intruder, OWNER, "group-1").await;
    report_lost(&administrator, &intruder.phone).await;
    let page = page_about(&administrator.browser, OWNER).await;
    assert!(shown(&page).contains("An addition to this group was reported"), "{}", shown(&page));
    decided(&administrator, OWNER, "keep-group-1").await;
    let page = page_about(&administrator.browser, OWNER).await;
    assert!(!shown(&page).contains("was reported"), "{}", shown(&page));
}

#[tokio::test]
async fn report_of_a_replaced_question_forgets_the_browser() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 2, OWNER).await;
    let (browser, _) = signed_in(&service, INTRUDER, OWNER).await;
    let replaced = owner.phone.open_prompt("second_factor").await;
    let page = browser.sign_in_as(OWNER, PASSWORD).await.unwrap();
    approved(&browser, &page, &owner.phone, "second_factor").await;
    assert!(has_session(&browser).await);
    owner.phone.report(&replaced).await;
    assert!(!has_session(&browser).await, "the session of the intruder continues");
}

#[tokio::test]
async fn report_of_a_change_forgets_the_browser_that_asked() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 2, OWNER).await;
    let (browser, page) = signed_in_with_approval(&service, INTRUDER, OWNER, &owner.phone).await;
    assert_eq!(origin_of_sign_in(&browser, &owner.phone).await, "known_browser");
    browser.press(&page, "make-pass", &[]).await.unwrap();
    owner.phone.report_unanswered("create_pass").await;
    assert_eq!(origin_of_sign_in(&browser, &owner.phone).await, "password_proved");
}

#[tokio::test]
async fn phones_that_a_lost_phone_added_are_not_asked_about_it() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 2, OWNER).await;
    let (intruder, _) = intruder_with_phone(&service, INTRUDER, OWNER, &owner.phone).await;
    let (second, _) = added_with_approval(&service, INTRUDER, OWNER, &intruder.phone).await;
    ask_to_report_lost(&owner, &intruder.phone).await;
    assert!(owner.phone.is_asked("report_lost").await);
    assert!(!second.is_asked("report_lost").await, "the intruder's second phone can deny the report");
}

/// Signs in by password, and returns the origin that the prompt names.
async fn origin_of_sign_in(browser: &Person, phone: &Phone) -> String {
    browser.sign_in_as(OWNER, PASSWORD).await.unwrap();
    phone.origin_of("second_factor").await
}

#[tokio::test]
async fn role_that_an_intruder_took_and_gave_back_needs_the_operator_after_the_report() {
    let service = Service::start(&[ACCOMPLICE, OTHER]);
    let other = other(&service).await;
    let (administrator, prompt, accomplice) = mistake(&service).await;
    for button in ["no-administrator", "administrator"] {
        decided(&accomplice, OTHER, button).await;
    }
    administrator.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
    assert_no_administrator(&other.browser).await;
    service.operator(&["administrator", OTHER], "");
    assert_administrator(&other.browser).await;
}

#[tokio::test]
async fn suspension_that_an_intruder_began_and_ended_needs_an_administrator_after_the_report() {
    let service = Service::start(&[ACCOMPLICE, OTHER]);
    let other = other(&service).await;
    let (administrator, prompt, accomplice) = mistake(&service).await;
    for button in ["suspend", "resume"] {
        decided(&accomplice, OTHER, button).await;
    }
    administrator.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
    decided(&signed_in_again(&service, administrator).await, OTHER, "resume").await;
    let (browser, _) = signed_in_with_approval(&service, 2, OTHER, &other.phone).await;
    assert_administrator(&browser).await;
}
