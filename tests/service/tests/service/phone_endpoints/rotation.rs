//! Tests the rotation of the service keys: which documents are published, which key signs at which time, and that two
//! services on one database use the same key.

use std::sync::{Arc, Barrier};

use countersign_service::audit::Entry;
use countersign_service::clock::{DAY, HOUR, Time};
use countersign_service::jose::{Jwk, Unverified};
use countersign_service::keys::{AHEAD, LIFE, OVERLAP, Turn, turn};
use countersign_service::operator;
use serde_json::{Value, json};

use super::phone::Phone;
use super::service::{ISSUER, Service};

/// Verifies the first document of the published chain with its own key, and each later document with a key of the
/// preceding document. Returns the key thumbprints of each document.
async fn chain(service: &Service) -> Vec<Vec<String>> {
    let published = service.keys().await.json();
    let mut before: Vec<Jwk> = Vec::new();
    let mut names = Vec::new();
    for (index, document) in published["chain"].as_array().unwrap().iter().enumerate() {
        let unverified = Unverified::by_kid(document.as_str().unwrap(), "phone-keys+jwt").unwrap();
        let own = payload(document.as_str().unwrap());
        let keys: Vec<Jwk> = serde_json::from_value(own["keys"].clone()).unwrap();
        let signers = if index == 0 { &keys } else { &before };
        let by = signers.iter().find(|key| key.thumbprint() == unverified.kid()).unwrap();
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
    service.app.store.global_blocking(|tx| operator::rotate_keys_in(tx, &service.app.sealer, now)).unwrap()
}

#[test]
fn service_key_is_replaced_and_dropped_by_age() {
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
async fn new_key_is_published_two_days_before_it_signs() {
    let (one, two, _folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    let old = signer(&one);
    assert_eq!(rotated(&one), one.now() + 2 * DAY);
    for service in [&one, &two] {
        service.app.rotate_due_keys().await.unwrap();
    }
    let published = chain(&two).await;
    let new = published[1][1].clone();
    assert_eq!(published, [vec![old.clone()], vec![old.clone(), new.clone()]]);
    assert_eq!(phone.fetched(&two).await["keys_seq"], 2, "the phone did not learn the new sequence number");
    one.clock.advance(2 * DAY - 1);
    assert_eq!([signer(&one), signer(&two)], [old.clone(), old.clone()]);
    // Both services switch to the new key when the clock reaches this second, without a call of `rotate_due_keys`.
    one.clock.advance(1);
    assert_eq!([signer(&one), signer(&two)], [new.clone(), new.clone()]);
    one.ask("a").await;
    assert_eq!(Unverified::by_kid(&phone.prompt(&two).await, "phone-prompt+jwt").unwrap().kid(), new);
    one.clock.advance(HOUR);
    one.app.rotate_due_keys().await.unwrap();
    assert_eq!(chain(&two).await.last(), Some(&vec![new.clone()]), "the old key was not dropped");
    two.app.rotate_due_keys().await.unwrap();
    assert_eq!([signer(&one), signer(&two)], [new.clone(), new]);
}

/// After five rotations by age, the chain is valid, each key was used in one period only, and old keys were dropped.
#[tokio::test]
async fn key_chain_stays_valid_over_five_rotations() {
    let (one, two, folder) = Service::two().await;
    let phone = one.with_phone(1).await;
    let mut signed = vec![signer(&one)];
    for _rotation in 0..5 {
        for step in [LIFE, AHEAD, OVERLAP] {
            one.clock.advance(step);
            one.app.rotate_due_keys().await.unwrap();
            two.app.rotate_due_keys().await.unwrap();
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
    assert_eq!(all.len(), 6, "expected six keys in total");
    assert_eq!(published.iter().step_by(2).map(|keys| keys[0].clone()).collect::<Vec<_>>(), signed);
    let restarted = one.restarted(&folder).await;
    assert_eq!(signer(&restarted), signer(&one), "another key signs after a restart");
    assert_eq!(chain(&restarted).await, published);
}

/// Two services rotate the service key because of its age. At the same time, two operator commands rotate the key.
/// Together, they make only one new key.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_rotations_make_one_new_key() {
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
                    tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap()
                        .block_on(service.app.rotate_due_keys())
                        .unwrap();
                } else {
                    assert_eq!(rotated(&service), service.now() + AHEAD);
                }
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(chain(&one).await.len(), 2 * round, "round {round}");
        let entries: Vec<Entry> = two.app.store.global_blocking(|tx| tx.children("")).unwrap();
        assert_eq!(entries.iter().filter(|entry| entry.what == "phone_key_published").count(), round);
        one.clock.advance(AHEAD + OVERLAP);
        two.app.rotate_due_keys().await.unwrap();
    }
}

/// The bind response names the keys of the document that the look-up returned, even if a newer document was published
/// in between.
#[tokio::test]
async fn phone_is_added_during_a_key_rotation() {
    let (one, two, _folder) = Service::two().await;
    let first = signer(&one);
    let (code, mut phone) = (one.scanned().await, Phone::new(1));
    let looked_up = one.post("look-up", phone.look_up(&code, "AAAAAAAAAAAAAAAAAAAAAA").to_string()).await.json();
    rotated(&two);
    two.app.rotate_due_keys().await.unwrap();
    let again = two.post("look-up", phone.look_up(&code, "AAAAAAAAAAAAAAAAAAAAAA").to_string()).await.json();
    assert_eq!(looked_up["keys"], again["keys"]);
    assert_eq!(phone.bind(&two, &code).await["keys"], json!([first]));
    // Enrollments that start now use the newest document, whether they start with a code or with signing in.
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
fn rotation_without_a_first_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(operator::rotate_keys(folder.path(), 1_790_000_000).is_err(), "rotated although there is no key yet");
}
