//! Tests which prompts may still be answered, and how long a report is retried.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::values::account::AccountId;
use crate::values::prompt::Delivery;

const NOW: Timestamp = Timestamp(1_790_000_000);

fn prompt(jti: &str) -> PromptId {
    PromptId { account: AccountId("anna".to_owned()), jti: jti.to_owned() }
}

#[test]
fn a_prompt_is_open_until_it_expires_or_is_answered() {
    assert_eq!(check_open(PromptState::Open, NOW.plus(1), NOW), Ok(()));
    assert_eq!(check_open(PromptState::Open, NOW, NOW), Err(Error::PromptExpired));
    for state in [PromptState::Answering { delivery: Delivery::Sent }, PromptState::Done { outcome: Outcome::Denied }] {
        assert_eq!(check_open(state, NOW.plus(1), NOW), Err(Error::AlreadyAnswered), "{state:?}");
    }
}

#[test]
fn a_report_is_retried_for_a_day() {
    let account = crate::authenticator::store::samples::account("anna");
    let entry = report_entry(&account, prompt("p"), NOW).unwrap();
    assert_eq!((entry.abandon_at, entry.prompt), (NOW.plus(86_400), Some(prompt("p"))));
    assert_eq!(entry.endpoint, account.endpoints.answers);
    assert!(matches!(entry.message, Message::Report { prompt } if prompt == "p"));
}
