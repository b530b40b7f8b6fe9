//! Journey J9: the phone's situation changes. Here the service replaces its keys, and an attacker signs with other
//! keys.

use std::time::Duration;

use crate::common::confirmed;
use countersign::{FetchReason, Outcome, PromptKind, PushEffect, Step};
use countersign_journeys::cuts::Cut;
use countersign_journeys::{PageView, Person, TestPhone, World};
use countersign_phone::Message;
use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::devices::records as devices;
use countersign_service::jose::SigningKey;
use countersign_service::keys::{AHEAD, OVERLAP};
use countersign_service::operator;
use countersign_service::people::records as people;
use countersign_service::prompts::acts::live_prompts;
use countersign_service::push::{Push, Urgency};
use countersign_service::secrets::{decode, random_id};
use serde_json::{Value, json};
use tokio::sync::mpsc;

const KEYS: &str = "/phone/keys";
/// More cuts than any test uses. The number of cuts that are left shows how often the phone has requested the keys.
const MANY: usize = 1_000;

async fn with_phone(world: &World) -> (Person, TestPhone) {
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(world, &person, &phone).await;
    (person, phone)
}

/// Publishes a new key of the service, with a time of publication that was `ago` seconds ago. Then performs the key
/// changes that are due.
async fn publish(world: &World, ago: Time) {
    let (app, at) = (&world.app, world.app.clock.now() - ago);
    app.store.global_blocking(|tx| operator::rotate_keys_in(tx, &app.sealer, at)).unwrap();
    app.rotate_due_keys().await.unwrap();
}

/// Performs a complete rotation, from one key of the service to the next.
async fn rotate(world: &World) {
    publish(world, AHEAD + OVERLAP).await;
}

async fn number_page(person: &Person) -> PageView {
    let page = person.sign_in().await.unwrap();
    assert_eq!(page.name(), "number", "{}", page.html);
    page
}

async fn approves(person: &Person, phone: &TestPhone) {
    let page = number_page(person).await;
    let prompt = phone.prompt_of(PromptKind::SecondFactor).await.unwrap();
    let step = phone.core().approve(prompt.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
}

async fn checks(phone: &TestPhone) {
    let checked = phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(checked.unreachable.is_empty(), "{checked:?}");
}

fn device(world: &World) -> Device {
    let found = world.app.store.global_blocking(|tx| {
        let person = people::find(tx, countersign_journeys::people::USER)?.unwrap();
        Ok(devices::active(tx, &person.account_id)?.remove(0))
    });
    found.unwrap()
}

/// The claims of the first live prompt, with a new id.
fn live_claims(world: &World) -> Value {
    let (device, now) = (device(world), world.app.clock.now());
    let prompts = world.app.store.global_blocking(|tx| live_prompts(tx, &device, now)).unwrap();
    let payload = prompts.first().unwrap().jws.split('.').nth(1).unwrap().to_owned();
    let mut claims: Value = serde_json::from_slice(&decode(&payload).unwrap()).unwrap();
    claims["jti"] = json!(random_id().unwrap());
    claims
}

/// Pushes a prompt that is signed by the key `by`, and encrypted like the service's own pushes. Returns the effect on
/// the phone.
async fn pushed(
    world: &World,
    phone: &TestPhone,
    messages: &mut mpsc::Receiver<Message>,
    by: &SigningKey,
) -> PushEffect {
    let device = device(world);
    let jws = by.sign("phone-prompt+jwt", &live_claims(world)).unwrap();
    let (device_id, subscription) = (device.id.clone(), device.push.unwrap());
    let push = Push { device_id, subscription, jws, urgency: Urgency::High, topic: None };
    world.app.push.send_all(vec![push]);
    let message = tokio::time::timeout(Duration::from_secs(10), messages.recv()).await.unwrap().unwrap();
    phone.core().push_received(message.slot, message.body).await.unwrap()
}

/// Starts a sign-in, and checks that the service's prompt arrives and alerts.
async fn asked_genuinely(person: &Person, phone: &TestPhone, messages: &mut mpsc::Receiver<Message>) {
    number_page(person).await;
    let message = tokio::time::timeout(Duration::from_secs(10), messages.recv()).await.unwrap().unwrap();
    let effect = phone.core().push_received(message.slot, message.body).await.unwrap();
    assert!(matches!(effect, PushEffect::Alert(_)), "{effect:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_phone_offline_over_five_rotations_follows_the_key_chain() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone(&world).await;
    let before = world.app.keys.phone(world.app.clock.now()).kid().to_owned();
    for _rotation in 0..5 {
        rotate(&world).await;
    }
    assert_ne!(world.app.keys.phone(world.app.clock.now()).kid(), before);
    assert_eq!(world.app.keys.newest_document(), 11);
    checks(&phone).await;
    approves(&person, &phone).await;
    let phone = phone.restart().await.unwrap();
    world.cuts.cut(KEYS, Cut::Before, MANY);
    checks(&phone).await;
    assert_eq!(world.cuts.waiting(), MANY, "the phone requested the keys again, although it had verified the chain");
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_the_phone_knows_new_keys_before_they_sign() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone(&world).await;
    let old = world.app.keys.phone(world.app.clock.now());
    publish(&world, 0).await;
    checks(&phone).await;
    // From now on the phone can't fetch the key chain, but it already knows the next key.
    world.cuts.cut(KEYS, Cut::Before, MANY);
    world.clock.advance(AHEAD);
    phone.clock.advance(u64::try_from(AHEAD).unwrap());
    assert_ne!(world.app.keys.phone(world.app.clock.now()).kid(), old.kid());
    checks(&phone).await;
    approves(&person, &phone).await;
    assert_eq!(world.cuts.waiting(), MANY);
}

/// An attacker pushes many prompts that are signed by unknown keys. The phone requests the service's keys once in five
/// minutes, and none of the prompts alerts.
#[tokio::test(flavor = "multi_thread")]
async fn j9_unknown_keys_cause_one_key_request_in_five_minutes() {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone(&world).await;
    let mut messages = phone.take_pushes();
    asked_genuinely(&person, &phone, &mut messages).await;
    world.cuts.cut(KEYS, Cut::Before, MANY);
    let unknown_key = || SigningKey::from_scalar(&SigningKey::make_scalar().unwrap()).unwrap();
    let asked = || MANY - world.cuts.waiting();
    for _message in 0..20 {
        let effect = pushed(&world, &phone, &mut messages, &unknown_key()).await;
        assert!(!matches!(effect, PushEffect::Alert(_)), "{effect:?}");
    }
    assert_eq!(asked(), 1);
    // 200 seconds are clearly less than five minutes. The difference is needed, because the clocks also advance in real
    // time: by some seconds on a busy machine.
    phone.clock.advance(200);
    world.clock.advance(200);
    asked_genuinely(&person, &phone, &mut messages).await;
    pushed(&world, &phone, &mut messages, &unknown_key()).await;
    assert_eq!(asked(), 1);
    phone.clock.advance(100);
    world.clock.advance(100);
    pushed(&world, &phone, &mut messages, &unknown_key()).await;
    assert_eq!(asked(), 2);
    phone.clock.advance(121);
    world.clock.advance(121);
    asked_genuinely(&person, &phone, &mut messages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_prompt_signed_by_a_replaced_key_does_not_alert() {
    let world = World::start().await.unwrap();
    let retired = world.app.keys.phone(world.app.clock.now());
    // A phone that is added now gets both keys immediately. Later only the sequence number of the newest key document
    // shows that the older key is no longer valid.
    publish(&world, 0).await;
    let (person, phone) = with_phone(&world).await;
    world.clock.advance(AHEAD + OVERLAP);
    phone.clock.advance(u64::try_from(AHEAD + OVERLAP).unwrap());
    world.app.rotate_due_keys().await.unwrap();
    checks(&phone).await;
    let mut messages = phone.take_pushes();
    asked_genuinely(&person, &phone, &mut messages).await;
    let effect = pushed(&world, &phone, &mut messages, &retired).await;
    assert!(!matches!(effect, PushEffect::Alert(_)), "{effect:?}");
    let current = world.app.keys.phone(world.app.clock.now());
    let effect = pushed(&world, &phone, &mut messages, &current).await;
    assert!(
        matches!(effect, PushEffect::Alert(_)),
        "the same prompt signed by the current key does not alert: {effect:?}"
    );
}
