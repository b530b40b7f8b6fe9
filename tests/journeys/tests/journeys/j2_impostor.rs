//! Tests journey J2 (adding an account with a code) with fake services that send false responses. The phone refuses
//! these responses.
//!
//! Cases: w10, the code is typed with an attacker's address; w15, the MAC of a response is wrong. This file also tests
//! a case of journey J9 (the phone's situation changes): w5, the service's identity was replaced.

use crate::common;
use crate::double::{Discovery, Double, Lie};
use countersign::{AccountHealth, CodeInput, EnrollmentEnd, Error, FetchReason, MetadataFault, NextStep};
use countersign_journeys::phone::digits_of;
use countersign_journeys::{TestPhone, World};
use serde_json::json;

/// Opens a phone that trusts the fake service's certificate and uses the real relay.
async fn phone(world: &World, double: &Double) -> TestPhone {
    let both = [world.ca(), double.authority.certificate().as_bytes()].concat();
    let home = tempfile::tempdir().unwrap().keep();
    TestPhone::open(home, &world.relay_url(), &both, "phone").await.unwrap()
}

async fn nothing_is_kept(phone: &TestPhone, why: &str) {
    let snapshot = phone.core().snapshot().await.unwrap();
    assert!(snapshot.accounts.is_empty() && snapshot.pending.is_empty(), "{why}: {snapshot:?}");
}

async fn look_up(phone: &TestPhone, double: &Double) -> Result<countersign::Offer, Error> {
    let invite = phone.invite(CodeInput::Text { text: double.code() }).await.unwrap();
    phone.core().look_up(invite).await
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w15_a_false_look_up_response_is_refused() {
    let (world, double) = (World::start().await.unwrap(), Double::start());
    let phone = phone(&world, &double).await;
    assert!(look_up(&phone, &double).await.is_ok(), "a correct response was refused");
    for (lie, expected) in [
        (Lie::LookUpMacWrong, Error::Impostor),
        (Lie::LookUpMacMissing, Error::Impostor),
        (Lie::LookUpForAnotherNonce, Error::Impostor),
        (Lie::LookUpForAnotherIssuer, Error::InvalidAnswer),
        (Lie::LookUpKeysOfAnotherIssuer, Error::InvalidAnswer),
        (Lie::LookUpClockOff, Error::ClockWrong),
    ] {
        double.lies(lie);
        assert_eq!(look_up(&phone, &double).await.err(), Some(expected), "{lie:?}");
        nothing_is_kept(&phone, &format!("{lie:?}")).await;
    }
    double.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w15_a_false_bind_response_is_refused() {
    let (world, double) = (World::start().await.unwrap(), Double::start());
    let phone = phone(&world, &double).await;
    for lie in [Lie::BindMacWrong, Lie::BindMacMissing, Lie::BindOtherKeys, Lie::BindOtherAccount] {
        double.lies(lie);
        let offer = look_up(&phone, &double).await.unwrap();
        assert_eq!(phone.core().enroll(offer).await, Err(Error::Impostor), "{lie:?}");
        nothing_is_kept(&phone, &format!("{lie:?}")).await;
    }
    double.lies(Lie::Nothing);
    let offer = look_up(&phone, &double).await.unwrap();
    digits_of(phone.core().enroll(offer).await.unwrap()).expect("a correct response was refused");
    double.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w10_a_hostile_address_does_not_learn_the_typed_code() {
    let (world, double) = (World::start().await.unwrap(), Double::start());
    let phone = phone(&world, &double).await;
    let person = world.person().unwrap();
    let page = person.wizard().await.unwrap();
    let page = person.press(&page, "cant-scan", &[]).await.unwrap();
    let code = page.text("typed-code").unwrap();
    // An attacker persuades the person to type the attacker's address.
    let address = double.issuer.trim_start_matches("https://").to_owned();
    let invite = phone.invite(CodeInput::Typed { code: code.clone(), address }).await.unwrap();
    assert_eq!(phone.core().look_up(invite).await.err(), Some(Error::Impostor));
    nothing_is_kept(&phone, "impostor").await;
    let (heard, secret) = (double.heard(), code.replace('-', "").split_off(4));
    assert!(
        heard.contains("\"mac\"") && !heard.contains(&secret),
        "the look-up has no MAC, or contains the code's secret: {heard}"
    );
    // The look-up's MAC covers the attacker's issuer, so the real service refuses the same look-up.
    let request: serde_json::Value = serde_json::from_str(&heard).unwrap();
    let replayed = person.client().post(format!("{}/phone/look-up", world.issuer())).json(&request);
    assert_eq!(replayed.send().await.unwrap().status().as_u16(), 404);
    double.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_with_a_wrong_field_is_refused() {
    let (world, double) = (World::start().await.unwrap(), Double::start());
    let phone = phone(&world, &double).await;
    let fault = |fault| Error::NotASignInService(fault);
    for (pointer, value, expected) in [
        ("/issuer", json!("https://evil.test"), fault(MetadataFault::OtherIssuer)),
        ("/issuer", json!(7), fault(MetadataFault::Unreadable)),
        ("/phone_sign_in", json!(null), fault(MetadataFault::NoPhoneSignIn)),
        ("/phone_sign_in/versions", json!([2, 3]), Error::UnsupportedVersion),
        ("/phone_sign_in/versions", json!("1"), fault(MetadataFault::Unreadable)),
        ("/phone_sign_in/look_up_endpoint", json!("http://localhost/x"), fault(MetadataFault::EndpointElsewhere)),
        ("/phone_sign_in/keys_endpoint", json!("https://evil.test/keys"), fault(MetadataFault::EndpointElsewhere)),
        ("/phone_sign_in/vapid_key", json!("BAAA"), fault(MetadataFault::PushKey)),
        ("/phone_sign_in/device_endpoint", json!({}), fault(MetadataFault::Unreadable)),
    ] {
        let mut document = double.good_document();
        *document.pointer_mut(pointer).unwrap() = value.clone();
        double.discovers(Some(Discovery::Document(document)));
        assert_eq!(look_up(&phone, &double).await.err(), Some(expected), "{pointer} = {value}");
    }
    assert!(double.heard().is_empty(), "a look-up was sent");
    double.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_valid_metadata_is_refused() {
    let (world, double) = (World::start().await.unwrap(), Double::start());
    let phone = phone(&world, &double).await;
    let missing = Error::NotASignInService(MetadataFault::Missing);
    let unreadable = Error::NotASignInService(MetadataFault::Unreadable);
    for (name, discovery, expected) in [
        ("redirect", Discovery::Redirect(302), missing.clone()),
        ("permanent redirect", Discovery::Redirect(308), missing.clone()),
        ("not found", Discovery::Status(404, b"{}".to_vec()), missing),
        ("busy", Discovery::Status(503, Vec::new()), Error::Busy),
        ("a page", Discovery::Status(200, b"<!doctype html>".to_vec()), unreadable.clone()),
        ("nothing", Discovery::Status(200, Vec::new()), unreadable),
        ("ten megabytes", Discovery::Status(200, vec![b' '; 10 << 20]), Error::InvalidAnswer),
        ("silence", Discovery::Never, Error::Offline),
    ] {
        double.discovers(Some(discovery));
        assert_eq!(look_up(&phone, &double).await.err(), Some(expected), "{name}");
    }
    assert!(double.heard().is_empty(), "a look-up was sent, or a redirect was followed");
    double.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_must_be_signed_for_this_device_and_request() {
    let (world, double) = (World::start().await.unwrap(), Double::start());
    let phone = phone(&world, &double).await;
    let offer = look_up(&phone, &double).await.unwrap();
    let (ticket, _) = digits_of(phone.core().enroll(offer).await.unwrap()).unwrap();
    let EnrollmentEnd::Active { account } = phone.core().wait_for_activation(ticket).await.unwrap() else {
        panic!("the fake service did not activate the device");
    };
    for lie in [
        Lie::StateUnsigned,
        Lie::StateByAnotherKey,
        Lie::StateForAnotherDevice,
        Lie::StateForAnotherRequest,
        Lie::StateOfAnotherIssuer,
        Lie::StateUnknownStatus,
        Lie::StateProblemRemoved,
        Lie::StateRemovedWithoutCause,
    ] {
        double.lies(lie);
        let checked = phone.core().check_for_prompts(FetchReason::Poll).await.unwrap();
        assert_eq!(checked.unreachable.first().map(|(id, _)| id), Some(&account.id), "{lie:?}");
        assert_eq!(phone.core().accounts().await.unwrap()[0].health, AccountHealth::Active, "{lie:?}");
    }
    double.lies(Lie::Nothing);
    assert!(phone.core().check_for_prompts(FetchReason::Poll).await.unwrap().unreachable.is_empty());
    double.stop().await;
    world.stop().await;
}

/// Only the account at the replaced service stops working. The account's health shows the reason, and the phone refuses
/// states that are signed by the new service's key. When the service with the pinned keys is back, the account works
/// again.
#[tokio::test(flavor = "multi_thread")]
async fn j9_w5_a_replaced_service_identity_is_refused() {
    let (world, double) = (World::start().await.unwrap(), Double::start());
    let phone = phone(&world, &double).await;
    common::confirmed(&world, &world.person().unwrap(), &phone).await;
    let offer = look_up(&phone, &double).await.unwrap();
    let (ticket, _) = digits_of(phone.core().enroll(offer).await.unwrap()).unwrap();
    let account = phone.activated(ticket).await.unwrap();
    let healths = async || {
        let checked = phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
        let accounts = phone.core().accounts().await.unwrap();
        let of = |changed: bool| accounts.iter().find(|found| (found.id == account) == changed).unwrap().health;
        (of(true), of(false), checked.unreachable.into_iter().map(|(id, error)| (id == account, error)).next())
    };
    assert_eq!(healths().await, (AccountHealth::Active, AccountHealth::Active, None));
    double.lies(Lie::IdentityReplaced);
    let changed = (AccountHealth::IdentityChanged, AccountHealth::Active, Some((true, Error::IdentityChanged)));
    assert_eq!(healths().await, changed);
    assert_eq!(AccountHealth::IdentityChanged.next_step(), NextStep::AddAgain);
    double.lies(Lie::Nothing);
    assert_eq!(healths().await, (AccountHealth::Active, AccountHealth::Active, None));
    double.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_connection_is_not_used() {
    let (world, double) = (World::start().await.unwrap(), Double::start());
    let untrusting = world.phone("knows only the world's authority").await.unwrap();
    assert_eq!(look_up(&untrusting, &double).await.err(), Some(Error::Untrusted));
    let elsewhere = Double::start_for(&["elsewhere.test"]);
    let phone = phone(&world, &elsewhere).await;
    assert_eq!(
        look_up(&phone, &elsewhere).await.err(),
        Some(Error::Untrusted),
        "a certificate for another name was accepted"
    );
    assert!(double.heard().is_empty() && elsewhere.heard().is_empty());
    double.stop().await;
    elsewhere.stop().await;
    world.stop().await;
}
