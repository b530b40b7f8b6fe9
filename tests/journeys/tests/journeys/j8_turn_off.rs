//! Journey J8: a person turns phone sign-in off on the phone, or removes the phone on the page.
//!
//! Cases: w1, there is no network, or the phone restarts during one of the steps (each step is tested); w2, the request
//! to turn off arrives after phone sign-in was turned on again; w3, the phone is removed while a prompt is open; w4,
//! the service can't be reached for several tries.

use crate::common::{self, account_of, use_phone, with_phone_sign_in};
use countersign::{AccountHealth, Ending, Error, Outcome, PhoneSignIn, PromptKind, Step};
use countersign_journeys::cuts::Cut;
use countersign_journeys::{World, a_moment};

#[tokio::test(flavor = "multi_thread")]
async fn j8_turning_off_destroys_the_key_and_notifies_the_service() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let told = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
    assert_eq!((told, phone.core().accounts().await.unwrap()[0].phone_sign_in), (Ending::Done, PhoneSignIn::Off));
    let info = person.open("/security-info").await.unwrap();
    assert!(info.html.contains("Phone app"), "{}", info.html);
    let again = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await;
    assert_eq!(again, Err(Error::PhoneSignInOff));
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w1_turning_off_offline_notifies_the_service_later() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    world.cuts.cut("/phone/device", Cut::Before, 1);
    let told = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
    assert_eq!(told, Ending::ServiceInformedLater);
    let phone = phone.restart().await.unwrap();
    for _try in 0..80 {
        if person.open("/security-info").await.unwrap().html.contains("Phone app") {
            break;
        }
        a_moment().await;
    }
    assert!(person.open("/security-info").await.unwrap().html.contains("Phone app"), "the service was not notified");
    assert_eq!(phone.core().accounts().await.unwrap()[0].phone_sign_in, PhoneSignIn::Off);
}

/// The phone is restarted before the service has received the request to turn off, and after the service has processed
/// the request. Both times phone sign-in stays off, and the service is notified.
#[tokio::test(flavor = "multi_thread")]
async fn j8_w1_turning_off_completes_after_a_restart_in_each_step() {
    let world = World::start().await.unwrap();
    let (person, mut phone) = with_phone_sign_in(&world).await;
    for cut in [Cut::Before, Cut::Answer] {
        world.cuts.cut("/phone/device", cut, 1);
        let off = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
        assert_eq!(off, Ending::ServiceInformedLater, "{cut:?}");
        phone = phone.restart().await.unwrap();
        assert_eq!(phone.core().accounts().await.unwrap()[0].phone_sign_in, PhoneSignIn::Off, "{cut:?}");
        let told = async {
            while !person.open("/security-info").await.unwrap().html.contains("Phone app") {
                a_moment().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), told).await.unwrap();
        let again = phone.core().turn_off_phone_sign_in(account_of(&phone).await).await;
        assert_eq!(again, Err(Error::PhoneSignInOff), "{cut:?}");
        // The old request does not turn off a sign-in key that is registered later.
        common::turned_on(&world.person().unwrap(), &phone).await;
        for _try in 0..20 {
            a_moment().await;
        }
        phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
        assert_eq!(phone.core().accounts().await.unwrap()[0].phone_sign_in, PhoneSignIn::On, "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w2_a_late_turn_off_does_not_undo_a_newer_turn_on() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    // The first try to send the request to turn off fails. Before the next try, phone sign-in is turned on again with
    // another key.
    world.cuts.cut("/phone/device", Cut::Before, 1);
    phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
    common::turned_on(&person, &phone).await;
    for _try in 0..60 {
        a_moment().await;
    }
    phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
    assert_eq!(phone.core().accounts().await.unwrap()[0].phone_sign_in, PhoneSignIn::On);
    assert!(person.open("/security-info").await.unwrap().html.contains("Phone sign-in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w3_removing_the_phone_on_the_page_ends_an_open_prompt() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let unknown_browser = world.person().unwrap();
    let waiting = use_phone(&unknown_browser).await;
    let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let info = person.open("/security-info").await.unwrap();
    let page = person.press(&info, "remove-1", &[]).await.unwrap();
    assert_eq!(page.name(), "remove-number", "{}", page.html);
    let removal = phone.prompt_of(PromptKind::RemoveMethod).await.unwrap();
    assert!(removal.needs_unlock(), "the removal does not need the sign-in key");
    assert_eq!(
        phone.approve_unlocked(&removal, page.number().unwrap()).await.unwrap(),
        Step::Done { outcome: Outcome::Approved }
    );
    let page = person.open("/security-info/step-up").await.unwrap();
    person.press(&page, "finish", &[]).await.unwrap();
    let late = phone.core().approve(prompt.id().clone(), waiting.number().unwrap()).await;
    if let Ok(step) = late {
        let told = phone.unlock(&step).await;
        assert!(!matches!(told, Ok(Step::Done { outcome: Outcome::Approved })), "{told:?}");
    }
    phone.core().check_for_prompts(countersign::FetchReason::Opened).await.unwrap();
    let account = phone.core().accounts().await.unwrap()[0].clone();
    let cause = countersign::RemovalCause::RemovedByPerson;
    assert_eq!(account.health, AccountHealth::RemovedByService { cause });
    assert_eq!(account.phone_sign_in, PhoneSignIn::Off);
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w4_turning_off_is_retried_until_the_service_is_reached() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    world.cuts.cut("/phone/device", Cut::Before, 3);
    phone.core().turn_off_phone_sign_in(account_of(&phone).await).await.unwrap();
    // The first three tries fail. The phone keeps the request, and pauses longer after each try.
    for _try in 0..400 {
        if world.cuts.waiting() == 0 {
            break;
        }
        a_moment().await;
    }
    assert_eq!(world.cuts.waiting(), 0, "the phone did not retry");
    for _try in 0..400 {
        if person.open("/security-info").await.unwrap().html.contains("Phone app") {
            return;
        }
        a_moment().await;
    }
    panic!("the service was not notified");
}
