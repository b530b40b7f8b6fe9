//! An accomplice was made an administrator, gave something to other accounts, and lost the role before the owner reports
//! the approval that gave it. The report must still end what the accomplice gave.

use crate::program::{ADMINISTRATOR, PASSWORD, Service};
use crate::steps::{
    Adding, Owner, assert_administrator, assert_no_administrator, assert_not_added, assert_pass_is_worth_nothing,
    decided, intruder_with_phone, pass_for, shown, with_phone,
};

const ACCOMPLICE: &str = "mallory";
const FRIEND: &str = "eve";
const OWNER: &str = "ada";
const SUSPENDED: &str = "bob";
const INTRUDER: u8 = 9;

/// The owner's phone approves that the accomplice becomes an administrator, and the accomplice makes the friend one.
/// Returns the owner, the prompt's id, the accomplice and the friend.
async fn roles(service: &Service) -> (Owner, String, Owner, Owner) {
    let owner = with_phone(service, 1, ADMINISTRATOR).await;
    let accomplice = with_phone(service, INTRUDER, ACCOMPLICE).await;
    let friend = with_phone(service, 8, FRIEND).await;
    let (prompt, _) = decided(&owner, ACCOMPLICE, "administrator").await;
    decided(&accomplice, FRIEND, "administrator").await;
    assert_administrator(&friend.browser).await;
    (owner, prompt, accomplice, friend)
}

#[tokio::test]
async fn report_ends_what_an_administrator_gave_before_the_owner_removed_the_role() {
    let service = Service::start(&[ACCOMPLICE, FRIEND]);
    let (owner, prompt, _, friend) = roles(&service).await;
    decided(&owner, ACCOMPLICE, "no-administrator").await;
    owner.phone.report(&prompt).await;
    assert_no_administrator(&friend.browser).await;
}

#[tokio::test]
async fn report_ends_what_an_administrator_gave_before_the_owner_deleted_the_person() {
    let service = Service::start(&[ACCOMPLICE, FRIEND]);
    let (owner, prompt, _, friend) = roles(&service).await;
    decided(&owner, ACCOMPLICE, "delete").await;
    owner.phone.report(&prompt).await;
    assert_no_administrator(&friend.browser).await;
}

#[tokio::test]
async fn report_ends_roles_that_two_accomplices_gave_each_other() {
    let service = Service::start(&[ACCOMPLICE, FRIEND]);
    let (owner, prompt, accomplice, friend) = roles(&service).await;
    decided(&friend, ACCOMPLICE, "no-administrator").await;
    decided(&friend, ACCOMPLICE, "administrator").await;
    owner.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
    assert_no_administrator(&friend.browser).await;
}

#[tokio::test]
async fn report_removes_the_phone_that_a_former_administrators_pass_added() {
    let service = Service::start(&[ACCOMPLICE, OWNER]);
    let owner = with_phone(&service, 1, ADMINISTRATOR).await;
    let accomplice = with_phone(&service, INTRUDER, ACCOMPLICE).await;
    let (prompt, _) = decided(&owner, ACCOMPLICE, "administrator").await;
    let pass = pass_for(&accomplice, OWNER).await;
    let (mut adding, page) = Adding::by_pass(&service, INTRUDER, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    decided(&owner, ACCOMPLICE, "no-administrator").await;
    owner.phone.report(&prompt).await;
    assert_not_added(Ok(()), &adding.phone).await;
}

#[tokio::test]
async fn report_ends_what_an_administrator_gave_before_the_added_phone_renewed_the_role() {
    let service = Service::start(&[ACCOMPLICE, FRIEND]);
    let owner = with_phone(&service, 1, ADMINISTRATOR).await;
    let (intruder, prompt) = intruder_with_phone(&service, INTRUDER, ADMINISTRATOR, &owner.phone).await;
    let accomplice = with_phone(&service, 7, ACCOMPLICE).await;
    let friend = with_phone(&service, 8, FRIEND).await;
    decided(&intruder, ACCOMPLICE, "administrator").await;
    decided(&accomplice, FRIEND, "administrator").await;
    // The service's times have a resolution of one second.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    decided(&intruder, ACCOMPLICE, "no-administrator").await;
    decided(&intruder, ACCOMPLICE, "administrator").await;
    owner.phone.report(&prompt).await;
    assert_no_administrator(&accomplice.browser).await;
    assert_no_administrator(&friend.browser).await;
}

#[tokio::test]
async fn report_ends_what_a_resumed_administrator_gave() {
    let service = Service::start(&[SUSPENDED, OWNER]);
    service.operator(&["administrator", SUSPENDED], "");
    let owner = with_phone(&service, 1, ADMINISTRATOR).await;
    let resumed = with_phone(&service, INTRUDER, SUSPENDED).await;
    service.operator(&["suspend", SUSPENDED], "");
    let (prompt, _) = decided(&owner, SUSPENDED, "resume").await;
    let page = resumed.browser.sign_in_as(SUSPENDED, PASSWORD).await.unwrap();
    let (_, page) = crate::steps::approved(&resumed.browser, &page, &resumed.phone, "second_factor").await;
    assert_eq!(page.name(), "security-info", "{}", shown(&page));
    let pass = pass_for(&resumed, OWNER).await;
    owner.phone.report(&prompt).await;
    assert_pass_is_worth_nothing(&service, OWNER, &pass).await;
}
