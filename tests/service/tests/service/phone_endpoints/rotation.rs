//! The service's keys towards phones, replaced: what is published, what signs when, and that two services agree.

use std::sync::{Arc, Barrier};

use countersign_service::audit::Entry;
use countersign_service::clock::{DAY, HOUR, Time};
use countersign_service::jose::{Jwk, Unverified};
use countersign_service::keys::{self, AHEAD, LIFE, OVERLAP, Turn, turn};
use countersign_service::operator;
use serde_json::{Value, json};

use super::phone::Phone;
use super::service::{ISSUER, Service};

/// The chain as published, each document checked by a key of the one before it; the keys' names of each.
async fn chain(service: &Service) -> Vec<Vec<String>> {
    let published = service.keys().await.json();
    let mut before: Vec<Jwk> = Vec::new();
    let mut names = Vec::new();
    for (index, document) in published["chain"].as_array().unwrap().iter().enumerate() {
        let unverified = Unverified::by_kid(document.as_str().unwrap(), "phone-keys+jwt").unwrap();
        let own = payload(document.as_str().unwrap());
        let keys: Vec<Jwk> = serde_json::from_value(own["keys"].clone()).unwrap();
        let vouching = if index == 0 { &keys } else { &before };
        let by = vouching.iter().find(|key| key.thumbprint() == unverified.kid()).unwrap();
        let claims: Value = unverified.verify(by).unwrap();
        assert_eq!((&claims["iss"], &claims["seq"]), (&json!(ISSUER), &json!(index + 1)));
        names.push(keys.iter().map(Jwk::thumbprint).collect());
        before = keys;
    }
    names
}

fn payload(jws: &str) -> Value {
    serde_json::from_slice(&countersign_service::secrets::decode(jws.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn signer(service: &Service) -> String {
    service.app.keys.phone(service.now()).kid().to_owned()
}

fn rotated(service: &Service) -> Time {
    let now = service.now();
    service.app.store.run_blocking(|tx| keys::publish_now(tx, &service.app.sealer, now)).unwrap()
}

#[test]
fn a_key_is_replaced_after_a_quarter_and_dropped_when_nothing_it_signed_is_open() {
    for (signs_from, now, expected) in [
        (None, LIFE - 1, Turn::Stay),
        (None, LIFE, Turn::Publish),
        (Some(LIFE + AHEAD), LIFE + AHEAD, Turn::Stay),
        (Some(LIFE + AHEAD), LIFE + AHEAD + OVERLAP - 1, Turn::Stay),
        (Some(LIFE + AHEAD), LIFE + AHEAD + OVERLAP, Turn::Drop),
        (Some(AHEAD), AHEAD, Turn::Stay),
    ] {
        assert_eq!(turn(0, signs_from, now), expected, "{signs_from:?} at {now}");
    }
}

#[tokio::test]
async fn a_new_key_is_published_two_days_before_it_signs_and_the_old_one_then_signs_nothing() {
    let (one, two, _folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    let old = signer(&one);
    assert_eq!(rotated(&one), one.now() + 2 * DAY);
    for service in [&one, &two] {
        service.app.turn_keys().await.unwrap();
    }
    let published = chain(&two).await;
    let new = published[1][1].clone();
    assert_eq!(published, [vec![old.clone()], vec![old.clone(), new.clone()]]);
    assert_eq!(phone.fetched(&two).await["keys_seq"], 2, "phones are told");
    one.clock.advance(2 * DAY - 1);
    assert_eq!([signer(&one), signer(&two)], [old.clone(), old.clone()]);
    // Nothing but the clock: both go over to the new key at the same second.
    one.clock.advance(1);
    assert_eq!([signer(&one), signer(&two)], [new.clone(), new.clone()]);
    one.ask("a").await;
    assert_eq!(Unverified::by_kid(&phone.prompt(&two).await, "phone-prompt+jwt").unwrap().kid(), new);
    one.clock.advance(HOUR);
    one.app.turn_keys().await.unwrap();
    assert_eq!(chain(&two).await.last(), Some(&vec![new.clone()]), "the old one is dropped");
    two.app.turn_keys().await.unwrap();
    assert_eq!([signer(&one), signer(&two)], [new.clone(), new]);
}

/// By age alone, five times; the chain is whole, no key comes back, and the retired ones are forgotten.
#[tokio::test]
async fn over_five_rotations_by_age_the_chain_stays_whole() {
    let (one, two, folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    let mut signed = vec![signer(&one)];
    for _rotation in 0..5 {
        for step in [LIFE, AHEAD, OVERLAP] {
            one.clock.advance(step);
            one.app.turn_keys().await.unwrap();
            two.app.turn_keys().await.unwrap();
            assert_eq!(signer(&one), signer(&two));
            assert_eq!(phone.fetched(&two).await["status"], "ok");
        }
        signed.push(signer(&one));
    }
    let published = chain(&two).await;
    assert_eq!(published.len(), 11);
    let mut all: Vec<&String> = published.iter().flatten().collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6, "six keys in all");
    assert_eq!(published.iter().step_by(2).map(|keys| keys[0].clone()).collect::<Vec<_>>(), signed);
    let anew = one.started_anew(&folder).await;
    assert_eq!(signer(&anew), signer(&one), "after a restart too");
    assert_eq!(chain(&anew).await, published);
}

/// Two processes, the operator twice and both by age: one successor.
#[tokio::test(flavor = "multi_thread")]
async fn two_services_that_rotate_at_once_make_one_successor() {
    let (one, two, _folder) = Service::two().await;
    for round in 1..=10 {
        one.clock.advance(LIFE);
        let barrier = Arc::new(Barrier::new(4));
        let halves = [(&one, true), (&two, true), (&one, false), (&two, false)];
        let threads = halves.map(|(service, by_age)| {
            let (service, barrier) = (service.clone(), barrier.clone());
            std::thread::spawn(move || {
                barrier.wait();
                if by_age {
                    service.app.keys.keep_turning(&service.app.store, &service.app.sealer, service.now()).unwrap();
                } else {
                    assert_eq!(rotated(&service), service.now() + AHEAD);
                }
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(chain(&one).await.len(), 2 * round, "round {round}");
        let entries: Vec<Entry> = two.app.store.run_blocking(|tx| tx.children("")).unwrap();
        assert_eq!(entries.iter().filter(|entry| entry.what == "phone_key_published").count(), round);
        one.clock.advance(AHEAD + OVERLAP);
        two.app.turn_keys().await.unwrap();
    }
}

/// The bind answer names the keys of the very document that the look-up gave, whatever was published between them.
#[tokio::test]
async fn a_phone_that_is_being_added_while_keys_are_replaced_is_added() {
    let (one, two, _folder) = Service::two().await;
    let first = signer(&one);
    let (code, mut phone) = (one.scanned().await, Phone::new(1));
    let looked_up = one.post("look-up", phone.look_up(&code, "AAAAAAAAAAAAAAAAAAAAAA").to_string()).await.json();
    rotated(&two);
    two.app.turn_keys().await.unwrap();
    let again = two.post("look-up", phone.look_up(&code, "AAAAAAAAAAAAAAAAAAAAAA").to_string()).await.json();
    assert_eq!(looked_up["keys"], again["keys"]);
    assert_eq!(phone.bind(&two, &code).await["keys"], json!([first]));
    // One that is begun now starts from the newest, and so does one by signing in.
    let (code, mut later) = (one.scanned_in("another").await, Phone::new(2));
    assert_eq!(later.bind(&one, &code).await["keys"].as_array().unwrap().len(), 2);
    let by_sign_in = Phone::new(3);
    let token = by_sign_in.phone_token(&one).await;
    assert_eq!(payload(token["keys"].as_str().unwrap())["seq"], 2);
    one.clock.advance(1);
    let added = by_sign_in.add(&two, &by_sign_in.add_claims(&two, &token)).await.json();
    assert_eq!(added["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn the_operator_rotates_from_beside_a_running_service() {
    let folder = tempfile::tempdir().unwrap();
    assert!(operator::rotate_keys(folder.path(), 1_790_000_000).is_err(), "there is no key yet");
}
