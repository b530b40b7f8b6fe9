//! Journey J9: the phone's situation changes. Here the app shows whether pushes arrive: the time of the last push, and
//! the result of a test push.

use std::time::Duration;

use crate::common::confirmed;
use countersign::{
    Account, Error, Inbox, PushDelivery, PushEffect, PushHealth, PushTest, SealedFileKeyStore, Secret, Timestamp,
};
use countersign_journeys::cuts::Cut;
use countersign_journeys::phone::PASSPHRASE;
use countersign_journeys::{TestPhone, World, a_moment};
use countersign_phone::Message;
use countersign_service::people::records as people;
use tokio::sync::mpsc;

/// The service sends at most one test push in this many seconds.
const REST: i64 = 60;

async fn with_phone(world: &World) -> (TestPhone, Account) {
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(world, &person, &phone).await;
    let account = phone.core().accounts().await.unwrap().remove(0);
    (phone, account)
}

async fn health(phone: &TestPhone, account: &Account) -> PushHealth {
    phone.core().push_health(account.id.clone()).await.unwrap()
}

async fn test(phone: &TestPhone, account: &Account) -> Result<PushTest, Error> {
    phone.core().test_push(account.id.clone()).await
}

async fn next(messages: &mut mpsc::Receiver<Message>) -> Message {
    tokio::time::timeout(Duration::from_secs(10), messages.recv()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_test_push_arrives_and_its_time_is_stored() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    let before = health(&phone, &account).await;
    assert_eq!((before.delivery, before.is_address_known), (PushDelivery::Allowed, true));
    // The prompt that confirms the new account has just arrived by push.
    let later = before.last_received.unwrap().plus(100);
    phone.clock.advance(100);
    world.clock.advance(100);

    let mut messages = phone.take_pushes();
    assert_eq!(test(&phone, &account).await, Ok(PushTest::Sent));
    let push = next(&mut messages).await;
    let revision = phone.core().snapshot().await.unwrap().revision;
    let come = async || phone.core().push_received(push.slot.clone(), push.body.clone()).await.unwrap();
    assert_eq!(come().await, PushEffect::Test(account.id.clone()));
    assert!(phone.core().changed_since(revision, Duration::ZERO).await.unwrap().revision > revision);
    let came = health(&phone, &account).await.last_received.unwrap();
    assert!(came >= later, "{came:?}");
    assert_eq!(phone.open_prompts().await.unwrap(), [], "a test push created a prompt");

    assert_eq!(test(&phone, &account).await, Ok(PushTest::TooSoon));
    world.clock.advance(REST);
    phone.clock.advance(60);
    assert_eq!(test(&phone, &account).await, Ok(PushTest::Sent));
    let phone = phone.restart().await.unwrap();
    assert!(
        health(&phone, &account).await.last_received.unwrap() >= came,
        "the time of the last push was lost at the restart"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_forged_push_does_not_change_push_health() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    let before = health(&phone, &account).await;
    phone.clock.advance(30);
    let mut messages = phone.take_pushes();
    test(&phone, &account).await.unwrap();
    let mut push = next(&mut messages).await;
    *push.body.last_mut().unwrap() ^= 1;
    let effect = phone.core().push_received(push.slot, push.body).await.unwrap();
    assert_eq!((effect, health(&phone, &account).await), (PushEffect::Nothing, before));
}

/// A relay that sends malformed pushes makes the phone fetch at most twice a minute. Such a fetch also finds open
/// prompts.
#[tokio::test(flavor = "multi_thread")]
async fn j9_unreadable_pushes_cause_one_fetch_in_thirty_seconds() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    let mut messages = phone.take_pushes();
    test(&phone, &account).await.unwrap();
    let slot = next(&mut messages).await.slot;
    let malformed = async || phone.core().push_received(slot.clone(), vec![0; 100]).await.unwrap();
    let asks = async || {
        world.cuts.heal();
        world.cuts.cut("/phone/prompts", Cut::Before, 1);
        assert_eq!(malformed().await, PushEffect::Nothing);
        world.cuts.waiting() == 0
    };
    assert!(asks().await);
    assert!(!asks().await, "the phone fetched twice immediately");
    phone.clock.advance(25);
    assert!(!asks().await, "the phone fetched twice within thirty seconds");
    phone.clock.advance(30);
    assert!(asks().await);
    // The phone does not get the service's own push. The fetch that follows a malformed push finds the service's
    // prompt.
    phone.clock.advance(31);
    world.cuts.heal();
    let _page = world.person().unwrap().sign_in().await.unwrap();
    assert!(matches!(malformed().await, PushEffect::Alert(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_test_push_in_the_extension_is_recorded_by_the_app() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    let before = health(&phone, &account).await.last_received.unwrap();
    let mut messages = phone.take_pushes();
    test(&phone, &account).await.unwrap();
    let push = next(&mut messages).await;
    let keys = SealedFileKeyStore::open(&phone.home().join("keys"), &Secret::new(PASSPHRASE.to_owned())).unwrap();
    let inbox = Inbox::open(&phone.home().join("inbox"), &keys).unwrap();
    let at = before.plus(7);
    let receive = |at: Timestamp| inbox.push_received(&push.slot, &push.body, at).unwrap();
    assert_eq!(receive(at), PushEffect::Test(account.id.clone()));
    assert_eq!(receive(at), PushEffect::Nothing, "a push that was delivered twice took effect twice");
    phone.clock.advance(30);
    for _twice in 0..2 {
        phone.core().foregrounded().await.unwrap();
        assert_eq!(health(&phone, &account).await.last_received, Some(at));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_test_push_without_an_address_requests_a_new_one() {
    let mut world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    world.replace_relay().await.unwrap();
    assert_eq!(test(&phone, &account).await, Ok(PushTest::Sent), "the service did not send the first test push");
    // Wait until the service allows the next test push, and the phone may replace its push address.
    for _minute in 0..6 {
        world.clock.advance(REST);
        phone.clock.advance(60);
        a_moment().await;
    }
    assert_eq!(test(&phone, &account).await, Ok(PushTest::NoAddress));
    for _try in 0..100 {
        if test(&phone, &account).await == Ok(PushTest::Sent) {
            let told = health(&phone, &account).await;
            assert!(told.is_address_known);
            return;
        }
        a_moment().await;
    }
    panic!("no new push address reached the service")
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_refused_test_push_reports_the_reason() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    world.cuts.cut("/phone/device", Cut::Before, usize::MAX);
    assert_eq!(test(&phone, &account).await, Err(Error::Offline));
    world.cuts.heal();
    let suspend = |suspended| {
        world.app.store.global_blocking(|tx| {
            let mut person = people::find(tx, countersign_journeys::people::USER)?.unwrap();
            person.suspended = suspended;
            tx.insert_or_update(&person, |stored| *stored = person.clone())
        })
    };
    suspend(true).unwrap();
    assert_eq!(test(&phone, &account).await, Err(Error::NotAllowedNow));
    suspend(false).unwrap();
    assert_eq!(test(&phone, &account).await, Ok(PushTest::Sent));
}
