//! Signed requests of phones.

use countersign_service::devices::device::{Cause, Device, SignInKey, State};
use countersign_service::people::person::Person;
use countersign_service::phone_sign_in::registration::RegistrationToken;
use countersign_service::prompts::ceremony::{Ceremony, Outcome};
use countersign_service::provenance::{Given, Giver};
use countersign_service::secrets::{hashed, random_id};
use serde_json::{Value, json};

use super::{Effect, Try, assert_done, assert_refused};
use crate::phone_endpoints::phone::{Phone, jti_of, with};
use crate::phone_endpoints::service::Answer;
use crate::support::given_by;
use crate::world::{World, new_phone};

const ANSWERS: &str = "POST /phone/answers";
const DEVICE: &str = "POST /phone/device";

pub(super) const COVERED: &[(&str, Effect)] = &[
    (ANSWERS, Effect::Answer),
    (ANSWERS, Effect::Report),
    (DEVICE, Effect::EndEnrollment),
    (DEVICE, Effect::PushAddress),
    (DEVICE, Effect::RemoveMethod),
    (DEVICE, Effect::TurnOff),
    (DEVICE, Effect::TurnOn),
    (DEVICE, Effect::Unblock),
];

fn tried(what: &str, answer: &Answer) -> Try {
    let text = if answer.kind == "application/jose" { String::new() } else { answer.body.clone() };
    Try { what: what.to_owned(), status: answer.status, text }
}

pub(super) fn remove(world: &World, phone: &Phone) {
    world.change::<Device>(&phone.device_id, |device| device.state = State::Removed(Cause::Lost));
}

/// A state in which a phone may not do something.
type Spoil = fn(&World);

fn device_states(world: &World, phone: &Phone) -> [Device; 2] {
    let device: Device = world.get(&phone.device_id).unwrap();
    [State::Removed(Cause::Lost), State::Pending].map(|state| {
        let mut device = device.clone();
        device.state = state;
        device
    })
}

/// Sends a request in each state of the sender without a right to it, and in the right state.
async fn device_request(message: impl Fn(&World) -> Value, table: &'static str, suspended_may: bool) {
    let world = World::new().await;
    give_key(&world, &world.phone);
    let (thief, message) = (new_phone(), message(&world));
    let as_alices = Phone::with_scalar(thief.scalar(), world.phone.device_id.clone());
    let before = world.dump();
    let answer = as_alices.send(&world.service, "device", message.clone()).await;
    assert_refused(&world, &before, &tried("a request that another key signed", &answer), &[]);
    let late = with(world.phone.claims(&world.service, "device", message.clone()), "iat", json!(world.now() - 120));
    let late = with(late, "exp", json!(world.now()));
    let before = world.dump();
    let answer = world.service.post("device", world.phone.sign(&world.phone.header(), &late)).await;
    assert_refused(&world, &before, &tried("a late request", &answer), &[]);
    let elsewhere = world.phone.claims(&world.service, "prompts", message.clone());
    let answer = world.service.post("device", world.phone.sign(&world.phone.header(), &elsewhere)).await;
    assert_refused(&world, &before, &tried("a request for another endpoint", &answer), &[]);
    let device: Device = world.get(&world.phone.device_id).unwrap();
    for state in device_states(&world, &world.phone) {
        world.change::<Device>(&device.id, |stored| *stored = state.clone());
        let before = world.dump();
        let answer = world.phone.send(&world.service, "device", message.clone()).await;
        assert_refused(&world, &before, &tried(&format!("a device that is {:?}", state.state), &answer), &[]);
    }
    world.change::<Device>(&device.id, |stored| *stored = device.clone());
    let spoils: [(&str, Spoil, Spoil); 2] = [
        (
            "a suspended person",
            |world| world.change::<Person>(&world.alice, |alice| alice.suspended = true),
            |world| world.change::<Person>(&world.alice, |alice| alice.suspended = false),
        ),
        (
            "a policy without the app",
            |world| world.service.set_policy(&json!({"state": "disabled"})),
            |world| world.service.set_policy(&json!({"state": "enabled"})),
        ),
    ];
    for (what, spoil, restore) in spoils.into_iter().filter(|_| !suspended_may) {
        spoil(&world);
        let before = world.dump();
        let answer = world.phone.send(&world.service, "device", message.clone()).await;
        assert_refused(&world, &before, &tried(what, &answer), &[]);
        restore(&world);
    }
    let before = world.dump();
    let answer = world.phone.send(&world.service, "device", message.clone()).await;
    assert_done(&world, &before, &tried("the device itself", &answer), table);
}

fn sign_in_key() -> Phone {
    Phone::with_scalar([77; 32], String::new())
}

fn give_key(world: &World, phone: &Phone) {
    let given = Given::by_operator(world.now());
    let key = SignInKey { key: sign_in_key().jwk, given };
    world.change::<Device>(&phone.device_id, |device| device.sign_in = Some(key.clone()));
}

/// A suspended person may still remove their phone and turn phone sign-in off, because both only take rights away.
#[tokio::test]
async fn device_changes_itself_only_with_its_own_key_while_it_is_active() {
    device_request(|_| json!({"message": "unenroll"}), "devices", true).await;
    device_request(|_| json!({"message": "turn_off", "sign_in_key": sign_in_key().jwk.thumbprint()}), "devices", true)
        .await;
    device_request(|_| json!({"message": "push_address", "endpoint": "https://127.0.0.1/new"}), "devices", false).await;
    device_request(|_| json!({"message": "unblock"}), "people", false).await;
}

#[tokio::test]
async fn turning_off_names_the_key_of_this_device() {
    let world = World::new().await;
    give_key(&world, &world.phone);
    let own = sign_in_key().jwk.thumbprint();
    for (what, phone, key) in [
        ("another key", &world.phone, world.phone.jwk.thumbprint()),
        ("another phone of the person", &world.second, own.clone()),
        ("another person's phone", &world.bobs, own),
    ] {
        let before = world.dump();
        let message = json!({"message": "turn_off", "sign_in_key": key});
        let answer = phone.send(&world.service, "device", message).await;
        assert_refused(&world, &before, &tried(what, &answer), &[]);
    }
}

/// Stores a token that turns phone sign-in on, and returns it as the phone gets it.
fn put_token(world: &World, phone: &Phone, account: &str) -> Value {
    let [token, nonce] = [(); 2].map(|()| random_id().unwrap());
    let now = world.now();
    world.put(&RegistrationToken {
        id: hashed(token.as_bytes()),
        device_id: phone.device_id.clone(),
        account_id: account.to_owned(),
        nonce: hashed(nonce.as_bytes()),
        nonce_expires_at: now + 300,
        expires_at: now + 600,
        spent_by: None,
        given: given_by(Giver::Approval("an approval".to_owned()), now),
    });
    json!({"access_token": token, "nonce": nonce})
}

#[tokio::test]
async fn phone_sign_in_is_turned_on_only_with_an_unspent_token_of_this_device() {
    let world = World::new().await;
    let (phone, key) = (&world.phone, new_phone());
    let token = put_token(&world, phone, &world.alice);
    let id = hashed(token["access_token"].as_str().unwrap().as_bytes());
    let unknown = json!({"access_token": "AAAAAAAAAAAAAAAAAAAAAA", "nonce": token["nonce"]});
    let of_second = put_token(&world, &world.second, &world.alice);
    for (what, sender, token) in [
        ("the token of another phone of the person", phone, &of_second),
        ("another phone of the person", &world.second, &token),
        ("another person's phone", &world.bobs, &token),
        ("an unknown token", phone, &unknown),
    ] {
        let before = world.dump();
        let state = sender.turn_on(&world.service, token, &key, &sender.key_proof(&world.service, token)).await;
        assert_ne!(state["turn_on"], "done", "{what}");
        assert_refused(&world, &before, &Try { what: what.to_owned(), status: 200, text: String::new() }, &[]);
    }
    type Flaw = fn(&mut RegistrationToken, i64);
    let flaws: [(&str, Flaw); 3] = [
        ("a spent token", |token, _| token.spent_by = Some("another proof".to_owned())),
        ("an expired token", |token, now| token.expires_at = now),
        ("an expired nonce", |token, now| token.nonce_expires_at = now),
    ];
    let right: RegistrationToken = world.get(&id).unwrap();
    for (what, flaw) in flaws {
        world.change::<RegistrationToken>(&id, |token| flaw(token, world.now()));
        let before = world.dump();
        let state = phone.turn_on(&world.service, &token, &key, &phone.key_proof(&world.service, &token)).await;
        assert_ne!(state["turn_on"], "done", "{what}");
        assert_refused(&world, &before, &Try { what: what.to_owned(), status: 200, text: String::new() }, &[]);
        world.change::<RegistrationToken>(&id, |token| *token = right.clone());
    }
    let device: Device = world.get(&phone.device_id).unwrap();
    for state in device_states(&world, phone) {
        world.change::<Device>(&device.id, |stored| *stored = state.clone());
        let before = world.dump();
        phone.turn_on(&world.service, &token, &key, &phone.key_proof(&world.service, &token)).await;
        let what = format!("a device that is {:?}", state.state);
        assert_refused(&world, &before, &Try { what, status: 200, text: String::new() }, &[]);
        world.change::<Device>(&device.id, |stored| *stored = device.clone());
    }
    let before = world.dump();
    let state = phone.turn_on(&world.service, &token, &key, &phone.key_proof(&world.service, &token)).await;
    assert_eq!(state["turn_on"], "done");
    assert_done(&world, &before, &Try { what: "a token".to_owned(), status: 200, text: String::new() }, "devices");
}

/// Checks that the ceremony still waits, or was at least not approved.
fn assert_not_approved(world: &World, ceremony: &Ceremony, what: &str) {
    let stored: Ceremony = world.get(&ceremony.id).unwrap();
    assert!(stored.outcome != Some(Outcome::Approved) && stored.outcome != Some(Outcome::Reported), "{what}");
}

#[tokio::test]
async fn prompt_is_answered_and_reported_only_by_its_own_active_device() {
    let world = World::new().await;
    let (service, phone) = (&world.service, &world.phone);
    let ceremony = service.ask("attempt").await;
    let prompt = phone.prompt(service).await;
    let claims = phone.approval(service, &prompt, &ceremony.number);
    let right = phone.sign(&phone.answer_header(), &claims);
    let report = json!({"message": "report", "prompt": jti_of(service, &prompt)});
    let thief = Phone::with_scalar(new_phone().scalar(), phone.device_id.clone());
    for (what, sender) in
        [("another phone of the person", &world.second), ("another person's phone", &world.bobs), ("a thief", &thief)]
    {
        let own = sender.sign(&sender.answer_header(), &claims);
        let forged = sender.sign(&phone.answer_header(), &claims);
        for inner in [&right, &own, &forged] {
            let before = world.dump();
            let answer = sender.deliver(service, inner).await;
            assert_refused(&world, &before, &tried(what, &answer), &[]);
            assert_not_approved(&world, &ceremony, what);
        }
        let before = world.dump();
        let answer = sender.send(service, "answers", report.clone()).await;
        assert_refused(&world, &before, &tried(what, &answer), &[]);
        assert_not_approved(&world, &ceremony, what);
    }
    let device: Device = world.get(&phone.device_id).unwrap();
    for state in device_states(&world, phone) {
        world.change::<Device>(&device.id, |stored| *stored = state.clone());
        let what = format!("a device that is {:?}", state.state);
        let before = world.dump();
        let answers = [phone.deliver(service, &right).await, phone.send(service, "answers", report.clone()).await];
        answers.iter().for_each(|answer| assert_refused(&world, &before, &tried(&what, answer), &[]));
        assert_not_approved(&world, &ceremony, &what);
    }
    world.change::<Device>(&device.id, |stored| *stored = device.clone());
    assert_eq!(phone.approve(service, &prompt, &ceremony.number).await, "approved");
    assert_eq!(phone.report(service, &prompt).await, "reported");
}

/// A suspended person's answer ends the ceremony without an approval.
#[tokio::test]
async fn suspended_or_limited_person_approves_nothing() {
    for suspends in [true, false] {
        let world = World::new().await;
        let (service, phone) = (&world.service, &world.phone);
        let ceremony = service.ask("attempt").await;
        let prompt = phone.prompt(service).await;
        match suspends {
            true => world.change::<Person>(&world.alice, |alice| alice.suspended = true),
            false => service.set_policy(&json!({"state": "disabled"})),
        }
        let before = world.dump();
        let right = phone.sign(&phone.answer_header(), &phone.approval(service, &prompt, &ceremony.number));
        let answer = phone.deliver(service, &right).await;
        assert_refused(&world, &before, &tried("an answer", &answer), &[]);
        assert_not_approved(&world, &ceremony, "an answer");
    }
}

#[tokio::test]
async fn pending_device_abandons_only_its_own_enrollment() {
    let world = World::new().await;
    super::adding::abandons(&world).await;
}
