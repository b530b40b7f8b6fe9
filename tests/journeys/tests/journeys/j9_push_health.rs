//! J9: whether pushes arrive: the last that came, and "send me a test".

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

/// A service sends one test in this many seconds.
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
async fn j9_a_test_push_comes_once_and_its_time_is_remembered() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    let before = health(&phone, &account).await;
    assert_eq!((before.delivery, before.is_address_told), (PushDelivery::Allowed, true));
    // The confirmation of the new account came by push a moment ago.
    let later = before.last_received.unwrap().plus(100);
    phone.clock.advance(100);
    world.clock.advance(100);

    let mut messages = phone.takes_its_pushes();
    assert_eq!(test(&phone, &account).await, Ok(PushTest::Sent));
    let push = next(&mut messages).await;
    let revision = phone.core().snapshot().await.unwrap().revision;
    let come = async || phone.core().push_received(push.slot.clone(), push.body.clone()).await.unwrap();
    assert_eq!(come().await, PushEffect::Test(account.id.clone()));
    assert!(phone.core().changed_since(revision, Duration::ZERO).await.unwrap().revision > revision);
    let came = health(&phone, &account).await.last_received.unwrap();
    assert!(came >= later, "{came:?}");
    assert_eq!(phone.open_prompts().await.unwrap(), [], "it asks for nothing");

    assert_eq!(test(&phone, &account).await, Ok(PushTest::TooSoon));
    world.clock.advance(REST);
    phone.clock.advance(60);
    assert_eq!(test(&phone, &account).await, Ok(PushTest::Sent));
    let phone = phone.restart().await.unwrap();
    assert!(health(&phone, &account).await.last_received.unwrap() >= came, "known after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_push_that_is_not_genuine_counts_for_nothing() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    let before = health(&phone, &account).await;
    phone.clock.advance(30);
    let mut messages = phone.takes_its_pushes();
    test(&phone, &account).await.unwrap();
    let mut push = next(&mut messages).await;
    *push.body.last_mut().unwrap() ^= 1;
    let effect = phone.core().push_received(push.slot, push.body).await.unwrap();
    assert_eq!((effect, health(&phone, &account).await), (PushEffect::Nothing, before));
}

/// A relay that sends rubbish makes the phone ask at most twice a minute, and what waits is still found by it.
#[tokio::test(flavor = "multi_thread")]
async fn j9_pushes_that_cannot_be_read_make_the_phone_ask_once_in_thirty_seconds() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    let mut messages = phone.takes_its_pushes();
    test(&phone, &account).await.unwrap();
    let slot = next(&mut messages).await.slot;
    let rubbish = async || phone.core().push_received(slot.clone(), vec![0; 100]).await.unwrap();
    let asks = async || {
        world.cuts.heal();
        world.cuts.cut("/phone/prompts", Cut::Before, 1);
        assert_eq!(rubbish().await, PushEffect::Nothing);
        world.cuts.waiting() == 0
    };
    assert!(asks().await);
    assert!(!asks().await, "the next moment");
    phone.clock.advance(25);
    assert!(!asks().await, "the rest of thirty seconds");
    phone.clock.advance(30);
    assert!(asks().await);
    // Where the service's own push is not delivered, rubbish is as good a reason to look as any.
    phone.clock.advance(31);
    world.cuts.heal();
    let _page = world.person().unwrap().sign_in().await.unwrap();
    assert!(matches!(rubbish().await, PushEffect::Alert(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_notification_extension_shows_the_test_and_the_app_learns_its_time() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    let before = health(&phone, &account).await.last_received.unwrap();
    let mut messages = phone.takes_its_pushes();
    test(&phone, &account).await.unwrap();
    let push = next(&mut messages).await;
    let keys = SealedFileKeyStore::open(&phone.home().join("keys"), &Secret::new(PASSPHRASE.to_owned())).unwrap();
    let inbox = Inbox::open(&phone.home().join("inbox"), &keys).unwrap();
    let at = before.plus(7);
    let receive = |at: Timestamp| inbox.push_received(&push.slot, &push.body, at);
    assert_eq!(receive(at), PushEffect::Test(account.id.clone()));
    assert_eq!(receive(at), PushEffect::Nothing, "doubled on the way");
    phone.clock.advance(30);
    for _twice in 0..2 {
        phone.core().foregrounded().await.unwrap();
        assert_eq!(health(&phone, &account).await.last_received, Some(at));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_without_an_address_the_test_asks_for_a_new_one() {
    let mut world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    world.replace_relay().await.unwrap();
    assert_eq!(test(&phone, &account).await, Ok(PushTest::Sent), "the service can't know yet");
    // Past the rest between tests, and between renewals at the service's word.
    for _minute in 0..6 {
        world.clock.advance(REST);
        phone.clock.advance(60);
        a_moment().await;
    }
    assert_eq!(test(&phone, &account).await, Ok(PushTest::NoAddress));
    for _try in 0..100 {
        if test(&phone, &account).await == Ok(PushTest::Sent) {
            let told = health(&phone, &account).await;
            assert!(told.is_address_told);
            return;
        }
        a_moment().await;
    }
    panic!("no new address was told")
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_test_says_why_it_can_not_be_sent() {
    let world = World::start().await.unwrap();
    let (phone, account) = with_phone(&world).await;
    world.cuts.cut("/phone/device", Cut::Before, usize::MAX);
    assert_eq!(test(&phone, &account).await, Err(Error::Offline));
    world.cuts.heal();
    let suspend = |suspended| {
        world.app.store.run_blocking(|tx| {
            let mut person = people::find(tx, countersign_journeys::people::USER)?.unwrap();
            person.suspended = suspended;
            tx.put(&person)
        })
    };
    suspend(true).unwrap();
    assert_eq!(test(&phone, &account).await, Err(Error::NotAllowedNow));
    suspend(false).unwrap();
    assert_eq!(test(&phone, &account).await, Ok(PushTest::Sent));
}
