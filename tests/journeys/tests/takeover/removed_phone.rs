//! An intruder's phone gave something and was then removed, by the intruder or by the owner. A report of the approval
//! that added the phone must still end what the phone gave.

use crate::phone::Phone;
use crate::program::{ADMINISTRATOR, Service};
use crate::steps::{
    Adding, Owner, added_with_approval, api_token, assert_not_added, assert_pass_is_worth_nothing, decided,
    has_session, intruder_with_phone, pass_by_approval, remove, shown, with_phone,
};

const OWNER: &str = "ada";
const INTRUDER: u8 = 9;

/// What an intruder has in the owner's account.
struct Intrusion {
    /// The prompt that the owner has approved.
    prompt: String,
    /// The phone that this approval added, with a session that the phone approved.
    first: Owner,
    /// A phone that the first one approved.
    second: Phone,
    /// A pass that the first phone approved.
    pass: String,
}

async fn intrusion(service: &Service, owner: &Phone) -> Intrusion {
    let (first, prompt) = intruder_with_phone(service, INTRUDER, OWNER, owner).await;
    let (_, pass) = pass_by_approval(&first.browser, &first.phone).await;
    let (second, _) = added_with_approval(service, INTRUDER, OWNER, &first.phone).await;
    Intrusion { prompt, first, second, pass }
}

async fn assert_nothing_left(service: &Service, Intrusion { first, second, pass, .. }: &Intrusion) {
    assert_not_added(Ok(()), &first.phone).await;
    assert_not_added(Ok(()), second).await;
    assert!(!has_session(&first.browser).await, "the intruder is still signed in");
    assert_pass_is_worth_nothing(service, OWNER, pass).await;
}

#[tokio::test]
async fn added_phone_gives_a_session_a_phone_and_a_pass() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let Intrusion { first, second, pass, .. } = intrusion(&service, &owner.phone).await;
    assert!(first.phone.is_active().await && second.is_active().await && has_session(&first.browser).await);
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn report_ends_what_a_phone_gave_before_it_removed_itself() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let intrusion = intrusion(&service, &owner.phone).await;
    intrusion.first.phone.unenroll().await;
    owner.phone.report(&intrusion.prompt).await;
    assert_nothing_left(&service, &intrusion).await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn report_ends_what_a_phone_gave_before_the_owner_removed_it() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    let intrusion = intrusion(&service, &owner.phone).await;
    remove(&owner, &intrusion.first.phone).await;
    owner.phone.report(&intrusion.prompt).await;
    assert_nothing_left(&service, &intrusion).await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn report_ends_the_api_token_of_a_removed_phone() {
    let service = Service::start(&[]);
    let owner = with_phone(&service, 1, ADMINISTRATOR).await;
    let (intruder, prompt) = intruder_with_phone(&service, INTRUDER, ADMINISTRATOR, &owner.phone).await;
    let token = api_token(&intruder).await;
    assert!(service.accepts(&token).await);
    intruder.phone.unenroll().await;
    owner.phone.report(&prompt).await;
    assert!(!service.accepts(&token).await, "the API accepts the intruder's token");
}

#[tokio::test]
async fn report_of_a_pass_ends_what_its_removed_phone_gave_in_the_other_account() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, ADMINISTRATOR).await;
    let owner = with_phone(&service, 1, OWNER).await;
    let (prompt, page) = decided(&administrator, OWNER, "make-pass").await;
    let pass = page.text("pass-text").unwrap_or_else(|| panic!("no pass on {}", shown(&page)));
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    let (second, _) = added_with_approval(&service, INTRUDER, OWNER, &adding.phone).await;
    adding.phone.unenroll().await;
    assert!(second.is_active().await);
    administrator.phone.report(&prompt).await;
    assert_not_added(Ok(()), &second).await;
    assert!(owner.phone.is_active().await);
}
