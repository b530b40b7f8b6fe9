//! Which prompts may still be answered, and which approvals wait for the person.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::account::AccountId;
use crate::prompt::Delivery;

const NOW: Timestamp = Timestamp(1_790_000_000);

fn prompt(jti: &str) -> PromptId {
    PromptId { account: AccountId("anna".to_owned()), jti: jti.to_owned() }
}

fn waiting(jti: &str, number: &str, until: Timestamp) -> Waiting {
    Waiting { id: prompt(jti), number: number.to_owned(), until }
}

#[test]
fn a_prompt_is_open_until_its_last_second_and_until_it_is_answered() {
    assert_eq!(check_open(PromptState::Open, NOW.plus(1), NOW), Ok(()));
    assert_eq!(check_open(PromptState::Open, NOW, NOW), Err(Error::PromptExpired));
    for state in [PromptState::Answering { delivery: Delivery::Sent }, PromptState::Done { outcome: Outcome::Denied }] {
        assert_eq!(check_open(state, NOW.plus(1), NOW), Err(Error::AlreadyAnswered), "{state:?}");
    }
}

#[test]
fn an_approval_waits_for_the_person_once_for_each_prompt_and_no_longer_than_it() {
    let unlocking = Unlocking::default();
    let first = unlocking.add(waiting("p", "47", NOW.plus(60)), NOW).unwrap();
    let other = unlocking.add(waiting("q", "12", NOW.plus(30)), NOW).unwrap();
    assert_eq!(unlocking.get(&first), Some((prompt("p"), "47".to_owned())));
    // Another number for the same prompt: only the last one counts, and the other prompt's stays.
    let again = unlocking.add(waiting("p", "48", NOW.plus(60)), NOW).unwrap();
    assert_eq!(unlocking.get(&first), None);
    assert_eq!(unlocking.get(&again), Some((prompt("p"), "48".to_owned())));
    assert_eq!(unlocking.get(&other), Some((prompt("q"), "12".to_owned())));
    // What has ended goes when the next one comes; not a second before.
    unlocking.add(waiting("r", "33", NOW.plus(90)), NOW.plus(29)).unwrap();
    assert!(unlocking.get(&other).is_some());
    unlocking.add(waiting("s", "34", NOW.plus(90)), NOW.plus(30)).unwrap();
    assert_eq!(unlocking.get(&other), None);
    assert!(unlocking.forget(&again) && !unlocking.forget(&again));
    assert_eq!(unlocking.get(&again), None);
}

#[test]
fn a_report_is_worth_sending_for_a_day() {
    let account = crate::store::samples::account("anna");
    let entry = report_entry(&account, prompt("p"), NOW).unwrap();
    assert_eq!((entry.give_up_at, entry.prompt), (NOW.plus(86_400), Some(prompt("p"))));
    assert_eq!(entry.endpoint, account.endpoints.answers);
    assert!(matches!(entry.message, Message::Report { prompt } if prompt == "p"));
}
