//! An intruder has used an administrator's phone, or has added a phone to an administrator's account. A report or a
//! loss report must also end what these phones gave to other accounts.

use countersign_journeys::Person;

use crate::phone::Phone;
use crate::program::{ADMINISTRATOR, PASSWORD, Service};
use crate::steps::{
    Adding, Owner, add_person, assert_administrator, assert_no_administrator, assert_pass_is_worth_nothing, decided,
    intruder_with_phone, pass_for, report_lost, shown, signed_in_with_approval, with_phone, with_second_phone,
};

const ACCOMPLICE: &str = "mallory";
const OWNER: &str = "ada";
const ADDED: &str = "eve";
const INTRUDER: u8 = 9;

/// What an intruder gave to other accounts.
struct Given {
    accomplice: Owner,
    pass: String,
    password: String,
}

async fn given_by(service: &Service, intruder: &Owner) -> Given {
    let accomplice = with_phone(service, 8, ACCOMPLICE).await;
    decided(intruder, ACCOMPLICE, "administrator").await;
    assert_administrator(&accomplice.browser).await;
    let pass = pass_for(intruder, OWNER).await;
    let (_, password) = add_person(intruder, ADDED).await;
    Given { accomplice, pass, password }
}

async fn assert_taken_back(service: &Service, Given { accomplice, pass, password }: &Given) {
    assert_no_administrator(&accomplice.browser).await;
    assert_pass_is_worth_nothing(service, OWNER, pass).await;
    let page = service.browser(INTRUDER).sign_in_as(ADDED, password).await.unwrap();
    assert_eq!(page.name(), "password", "the added person signs in: {}", shown(&page));
}

/// The intruder signs in with an approval of the phone.
async fn intruder_with(service: &Service, phone: &Phone) -> Person {
    signed_in_with_approval(service, INTRUDER, ADMINISTRATOR, phone).await.0
}

#[tokio::test]
async fn phone_of_an_administrator_gives_to_other_accounts() {
    let service = Service::start(&[ACCOMPLICE, OWNER]);
    let owner = with_phone(&service, 1, ADMINISTRATOR).await;
    let (intruder, _) = intruder_with_phone(&service, INTRUDER, ADMINISTRATOR, &owner.phone).await;
    let Given { accomplice, pass, password } = given_by(&service, &intruder).await;
    assert_administrator(&accomplice.browser).await;
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
    let page = service.browser(INTRUDER).sign_in_as(ADDED, &password).await.unwrap();
    assert_eq!(page.name(), "new-password", "{}", shown(&page));
}

#[tokio::test]
async fn report_ends_what_the_added_phone_gave_to_other_accounts() {
    let service = Service::start(&[ACCOMPLICE, OWNER]);
    let owner = with_phone(&service, 1, ADMINISTRATOR).await;
    let (intruder, prompt) = intruder_with_phone(&service, INTRUDER, ADMINISTRATOR, &owner.phone).await;
    let given = given_by(&service, &intruder).await;
    owner.phone.report(&prompt).await;
    assert_taken_back(&service, &given).await;
}

#[tokio::test]
async fn report_ends_what_the_added_phone_gave_before_it_was_removed() {
    let service = Service::start(&[ACCOMPLICE, OWNER]);
    let owner = with_phone(&service, 1, ADMINISTRATOR).await;
    let (intruder, prompt) = intruder_with_phone(&service, INTRUDER, ADMINISTRATOR, &owner.phone).await;
    let given = given_by(&service, &intruder).await;
    intruder.phone.unenroll().await;
    owner.phone.report(&prompt).await;
    assert_taken_back(&service, &given).await;
}

#[tokio::test]
async fn loss_report_ends_what_the_lost_phone_gave_to_other_accounts() {
    let service = Service::start(&[ACCOMPLICE, OWNER]);
    let Owner { phone, .. } = with_phone(&service, 1, ADMINISTRATOR).await;
    let owner = with_second_phone(&service, 2, ADMINISTRATOR).await;
    let intruder = Owner { browser: intruder_with(&service, &phone).await, phone };
    let given = given_by(&service, &intruder).await;
    report_lost(&owner, &intruder.phone).await;
    assert_taken_back(&service, &given).await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn administrators_loss_report_ends_what_the_lost_phone_gave_to_other_accounts() {
    const OTHER: &str = "boss";
    let service = Service::start(&[ACCOMPLICE, OWNER, OTHER]);
    service.operator(&["administrator", OTHER], PASSWORD);
    let other = with_phone(&service, 3, OTHER).await;
    let Owner { phone, .. } = with_phone(&service, 1, ADMINISTRATOR).await;
    let intruder = Owner { browser: intruder_with(&service, &phone).await, phone };
    let given = given_by(&service, &intruder).await;
    decided(&other, ADMINISTRATOR, "lost-1").await;
    assert!(!intruder.phone.is_active().await);
    assert_taken_back(&service, &given).await;
    assert_administrator(&other.browser).await;
}
