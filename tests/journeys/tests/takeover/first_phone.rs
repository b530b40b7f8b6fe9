//! An attacker has the password of an owner without a phone. For the first phone the password is enough, unless the
//! policy requires a pass. As soon as the owner has a phone, or a pass is required, what the attacker has started by
//! the password alone must be worth nothing.

use serde_json::json;

use crate::phone::Phone;
use crate::program::Service;
use crate::steps::{
    Adding, assert_not_added, code_of_wizard, finish_wizard, open_wizard, pass_for, press, shown, signed_in,
    type_digits, with_phone,
};

const OWNER: &str = "ada";
const ATTACKER: u8 = 9;

fn pass_required() -> serde_json::Value {
    json!({ "countersign": { "bootstrap": "pass" } })
}

#[tokio::test]
async fn first_phone_is_added_by_signing_in() {
    let service = Service::start(&[OWNER]);
    let (mut adding, page) = Adding::by_password(&service, 1, OWNER).await;
    let added = adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
    assert_eq!(added["turn_on"]["scope"], "device_registration", "{added}");
}

#[tokio::test]
async fn first_phone_is_added_in_the_wizard() {
    let service = Service::start(&[OWNER]);
    let owner = with_phone(&service, 1, OWNER).await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn first_phone_is_added_with_a_pass_when_the_policy_asks_for_it() {
    let service = Service::start(&[OWNER]);
    let administrator = with_phone(&service, 2, crate::program::ADMINISTRATOR).await;
    service.change_policy(&pass_required()).await;
    let (_, page) = Adding::by_password(&service, 1, OWNER).await;
    assert_eq!(page.name(), "pass-needed", "{}", shown(&page));
    let pass = pass_for(&administrator, OWNER).await;
    let (mut adding, page) = Adding::by_pass(&service, 1, OWNER, &pass).await;
    adding.finish(&page).await.unwrap();
    assert!(adding.phone.is_active().await);
}

#[tokio::test]
async fn first_phone_of_the_owner_ends_an_attackers_started_adding() {
    let service = Service::start(&[OWNER]);
    let (mut attacker, page) = Adding::by_password(&service, ATTACKER, OWNER).await;
    assert_eq!(page.name(), "add-phone", "{}", shown(&page));
    with_phone(&service, 1, OWNER).await;
    assert_not_added(attacker.finish(&page).await, &attacker.phone).await;
}

#[tokio::test]
async fn first_phone_added_by_signing_in_ends_an_attackers_started_adding() {
    let service = Service::start(&[OWNER]);
    let (mut attacker, page) = Adding::by_password(&service, ATTACKER, OWNER).await;
    let (mut owner, owners_page) = Adding::by_password(&service, 1, OWNER).await;
    owner.finish(&owners_page).await.unwrap();
    assert_not_added(attacker.finish(&page).await, &attacker.phone).await;
    assert!(owner.phone.is_active().await);
}

#[tokio::test]
async fn first_phone_of_the_owner_ends_an_attackers_code() {
    let service = Service::start(&[OWNER]);
    let (mut attacker, page) = Adding::by_password(&service, ATTACKER, OWNER).await;
    let code = attacker.agree(&page).await.unwrap();
    with_phone(&service, 1, OWNER).await;
    let outcome = match attacker.redeem(&code).await {
        Ok(token) => attacker.phone.add(&token).await,
        Err(refused) => Err(refused),
    };
    assert_not_added(outcome, &attacker.phone).await;
}

#[tokio::test]
async fn first_phone_of_the_owner_ends_an_attackers_token() {
    let service = Service::start(&[OWNER]);
    let (mut attacker, page) = Adding::by_password(&service, ATTACKER, OWNER).await;
    let code = attacker.agree(&page).await.unwrap();
    let token = attacker.redeem(&code).await.unwrap();
    with_phone(&service, 1, OWNER).await;
    assert_not_added(attacker.phone.add(&token).await, &attacker.phone).await;
}

#[tokio::test]
async fn first_phone_of_the_owner_ends_an_attackers_open_wizard() {
    let service = Service::start(&[OWNER]);
    let (browser, page) = signed_in(&service, ATTACKER, OWNER).await;
    let code = open_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    with_phone(&service, 1, OWNER).await;
    assert_not_added(finish_wizard(&browser, &mut phone, &code).await, &phone).await;
}

#[tokio::test]
async fn policy_that_asks_for_a_pass_ends_an_attackers_started_adding() {
    let service = Service::start(&[OWNER]);
    let (mut attacker, page) = Adding::by_password(&service, ATTACKER, OWNER).await;
    service.change_policy(&pass_required()).await;
    assert_not_added(attacker.finish(&page).await, &attacker.phone).await;
}

#[tokio::test]
async fn policy_that_asks_for_a_pass_ends_an_attackers_token() {
    let service = Service::start(&[OWNER]);
    let (mut attacker, page) = Adding::by_password(&service, ATTACKER, OWNER).await;
    let code = attacker.agree(&page).await.unwrap();
    let token = attacker.redeem(&code).await.unwrap();
    service.change_policy(&pass_required()).await;
    assert_not_added(attacker.phone.add(&token).await, &attacker.phone).await;
}

#[tokio::test]
async fn policy_that_asks_for_a_pass_ends_an_attackers_open_wizard() {
    let service = Service::start(&[OWNER]);
    let (browser, page) = signed_in(&service, ATTACKER, OWNER).await;
    let code = open_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    service.change_policy(&pass_required()).await;
    assert_not_added(finish_wizard(&browser, &mut phone, &code).await, &phone).await;
}

#[tokio::test]
async fn policy_that_asks_for_a_pass_ends_an_attackers_bound_phone() {
    let service = Service::start(&[OWNER]);
    let (browser, page) = signed_in(&service, ATTACKER, OWNER).await;
    let code = open_wizard(&browser, &page).await.unwrap();
    let mut phone = Phone::new(&service.issuer, browser.clone());
    phone.bind(&code).await.unwrap();
    service.change_policy(&pass_required()).await;
    assert_not_added(type_digits(&browser, &phone, &code).await, &phone).await;
}

/// The attacker's session by password opens its wizard at the moment at which the owner's first phone becomes active.
#[tokio::test(flavor = "multi_thread")]
async fn wizard_that_opens_during_the_activation_of_the_first_phone_adds_no_phone() {
    let people: Vec<String> = (1..=15).map(|round| format!("person-{round}")).collect();
    let service = Service::start(&people.iter().map(String::as_str).collect::<Vec<_>>());
    for (round, user) in (1..).zip(&people) {
        let (browser, page) = signed_in(&service, 100 + round, user).await;
        let install = press(&browser, &page, "add-method", &[]).await.unwrap();
        let mut phone = Phone::new(&service.issuer, browser.clone());
        let (owner, page) = signed_in(&service, round, user).await;
        let mut owners_phone = Phone::new(&service.issuer, owner.clone());
        let code = open_wizard(&owner, &page).await.unwrap();
        owners_phone.bind(&code).await.unwrap();
        let page = owner.open("/security-info/add/code").await.unwrap();
        let digits = owners_phone.digits(&code);
        let fields = [("digits", digits.as_str())];
        let (started, typed) =
            tokio::join!(code_of_wizard(&browser, &install), press(&owner, &page, "confirm", &fields),);
        typed.unwrap();
        assert!(owners_phone.is_active().await);
        let outcome = match started {
            Ok(code) => finish_wizard(&browser, &mut phone, &code).await,
            Err(refused) => Err(refused),
        };
        assert_not_added(outcome, &phone).await;
    }
}
