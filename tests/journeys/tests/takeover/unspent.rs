//! An intruder's phone has approved something, but the intruder has not continued yet. When a report or a loss report
//! removes the phone, its unspent approvals must be worth nothing.

use countersign_journeys::{PageView, Person};

use crate::phone::Phone;
use crate::program::{ADMINISTRATOR, Service};
use crate::steps::{
    Adding, added_with_approval, approved, assert_not_added, decided, has_session, page_about, press, report_lost,
    shown, signed_in, with_phone, with_second_phone,
};

const OWNER: &str = "ada";
const INTRUDER: u8 = 9;

/// A browser in which an approved sign-in waits for "Continue", and the page.
async fn waiting_sign_in(service: &Service, phone: &Phone) -> (Person, PageView) {
    let (browser, page) = signed_in(service, INTRUDER, OWNER).await;
    phone.approve("second_factor", &page.number().unwrap()).await;
    let page = browser.open(&page.address).await.unwrap();
    (browser, page)
}

/// A phone whose approved adding waits for the digits, and the page that asks for them.
async fn waiting_adding(service: &Service, phone: &Phone) -> (Adding, PageView) {
    let (adding, page) = Adding::by_password(service, INTRUDER, OWNER).await;
    let (_, page) = approved(&adding.browser, &page, phone, "add_method").await;
    assert_eq!(page.name(), "add-phone", "{}", shown(&page));
    (adding, page)
}

/// What the intruder's phone has approved.
struct Unspent {
    sign_in: (Person, PageView),
    adding: (Adding, PageView),
}

impl Unspent {
    async fn approved_by(service: &Service, phone: &Phone) -> Self {
        Self { sign_in: waiting_sign_in(service, phone).await, adding: waiting_adding(service, phone).await }
    }

    async fn assert_worth_nothing(self) {
        let Self { sign_in: (browser, page), adding: (mut adding, asks_for_digits) } = self;
        let _refused = press(&browser, &page, "finish", &[]).await;
        assert!(!has_session(&browser).await, "the intruder has signed in");
        assert_not_added(adding.finish(&asks_for_digits).await, &adding.phone).await;
    }
}

#[tokio::test]
async fn unspent_approvals_of_an_active_phone_sign_in_and_add_a_phone() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (phone, _) = added_with_approval(&service, INTRUDER, OWNER, &owner.phone).await;
    let Unspent { sign_in: (browser, page), adding: (mut adding, asks_for_digits) } =
        Unspent::approved_by(&service, &phone).await;
    press(&browser, &page, "finish", &[]).await.unwrap();
    assert!(has_session(&browser).await);
    adding.finish(&asks_for_digits).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn report_ends_the_unspent_approvals_of_the_phone_that_it_removes() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let (phone, prompt) = added_with_approval(&service, INTRUDER, OWNER, &owner.phone).await;
    let unspent = Unspent::approved_by(&service, &phone).await;
    owner.phone.report(&prompt).await;
    unspent.assert_worth_nothing().await;
}

#[tokio::test]
async fn loss_report_ends_the_unspent_approvals_of_the_phones_that_it_removes() {
    let service = Service::start(&[OWNER]);
    let lost = with_phone(&service, 1, OWNER).await;
    let owner = with_second_phone(&service, 2, OWNER).await;
    let (phone, _) = added_with_approval(&service, INTRUDER, OWNER, &lost.phone).await;
    let unspent = Unspent::approved_by(&service, &phone).await;
    report_lost(&owner, &lost.phone).await;
    unspent.assert_worth_nothing().await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn administrators_loss_report_ends_the_unspent_approvals_of_the_phones_that_it_removes() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 3, ADMINISTRATOR).await;
    let lost = with_phone(&service, 1, OWNER).await;
    let (phone, _) = added_with_approval(&service, INTRUDER, OWNER, &lost.phone).await;
    let owner = with_second_phone(&service, 2, OWNER).await;
    let unspent = Unspent::approved_by(&service, &phone).await;
    decided(&administrator, OWNER, &lost_button(&administrator.browser, &lost.phone).await).await;
    assert!(!lost.phone.is_active().await);
    unspent.assert_worth_nothing().await;
    assert!(owner.phone.is_active().await);
}

/// The id of the button "This phone is lost" of a phone on the page about the owner.
async fn lost_button(administrator: &Person, phone: &Phone) -> String {
    let page = page_about(administrator, OWNER).await;
    let about = |number: &u8| page.attribute(&format!("#lost-{number}-form input[name=about]"), "value");
    let number = (1..=3).find(|number| about(number).as_deref() == Some(phone.id())).unwrap();
    format!("lost-{number}")
}
