//! Tests how long each message is retried, how long the pauses are, and which prompt an outcome belongs to.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;

use super::*;
use crate::authenticator::store::samples::{NOW, account};
use crate::protocol::messages::Message;
use crate::values::account::AccountId;

fn entry(message: Message) -> Entry {
    Entry::new(&account("anna"), "https://127.0.0.1:1/phone/device".to_owned(), message, NOW).unwrap()
}

#[test]
fn each_message_is_retried_for_its_own_period() {
    let push_address = Message::PushAddress { endpoint: "https://relay.test/1".to_owned() };
    for (name, message, seconds) in [
        ("an abandoned enrollment", Message::Abandon, 900),
        ("a removal", Message::Unenroll, 7_776_000),
        ("a push address", push_address, 7_776_000),
        ("an unblock", Message::Unblock, 86_400),
        ("a test push", Message::TestPush, 86_400),
    ] {
        let entry = entry(message);
        assert_eq!(entry.abandon_at, NOW.plus(seconds), "{name}");
        assert_eq!((entry.next_at, entry.lease_until, entry.attempts), (NOW, Timestamp(0), 0), "{name}");
        assert!(!is_expired(&entry, NOW.plus(seconds - 1)), "{name}");
        assert!(is_expired(&entry, NOW.plus(seconds)), "{name}");
    }
}

#[test]
fn an_unsent_answer_expires_with_its_prompt() {
    let prompt = PromptId { account: AccountId("anna".to_owned()), jti: "p".to_owned() };
    let entry = entry(Message::Unblock).about(prompt.clone(), NOW.plus(60)).leased_by_caller(NOW);
    assert_eq!((entry.prompt, entry.abandon_at), (Some(prompt), NOW.plus(60)));
    assert_eq!(entry.lease_until, NOW.plus(45), "the caller has no lease of 45 seconds");
}

#[test]
fn retry_pauses_grow_to_a_minute_and_are_partly_random() {
    for (attempts, full) in [(0, 2), (1, 4), (2, 8), (3, 16), (4, 32), (5, 60), (6, 60), (200, 60), (u32::MAX, 60)] {
        let pauses: BTreeSet<u64> = (0..200).map(|_again| pause_after(attempts).unwrap()).collect();
        let (least, longest) = (*pauses.first().unwrap(), *pauses.last().unwrap());
        assert!(full / 2 <= least && longest <= full, "wrong pauses after {attempts} attempts: {pauses:?}");
        // Two hundred random pauses may miss some of the at most 31 values.
        assert!(pauses.len() > usize::try_from(full.div_ceil(4)).unwrap(), "too few different pauses: {pauses:?}");
    }
}

#[test]
fn an_outcome_counts_only_for_the_prompt_it_names() {
    let state: State = serde_json::from_value(serde_json::json!({
        "iss": "https://127.0.0.1:1", "aud": "device of anna", "iat": NOW.0, "request": "r", "keys_seq": null,
        "status": "ok", "cause": null, "outcome": { "prompt": "p", "result": "approved" }, "policy": null,
        "sign_in_key": null, "turn_on": null, "push_test": null,
    }))
    .unwrap();
    let of = |jti: &str| outcome_of(&state, &PromptId { account: AccountId("anna".to_owned()), jti: jti.to_owned() });
    assert_eq!((of("p"), of("q")), (Some(Outcome::Approved), None));
}
