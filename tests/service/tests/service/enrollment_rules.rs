//! Tests the rules of enrollments: look-up, bind, digits and end, in each state of an enrollment.

use countersign_service::clock::Time;
use countersign_service::devices::device::Cause;
use countersign_service::enrollment::rules::{Bind, Digits, LIFE, Refusal, bind, digits, end, look_up, settle};
use countersign_service::enrollment::state::{Code, Enrollment, State};
use countersign_service::provenance::Given;
use countersign_service::secrets::{Sealed, Sealer};

const NOW: Time = 1_790_000_000;
const SCANNED: &str = "AAECAwQFBgcICQoLDA0ODw";
const TYPED: &str = "K3F0";
const CAUSES: [Cause; 5] =
    [Cause::Cancelled, Cause::NotMyPhone, Cause::WrongDigits, Cause::Abandoned, Cause::RemovedByOperator];

fn sealed() -> Option<Sealed> {
    Some(Sealer::new(&[1; 32]).unwrap().seal("test", b"K").unwrap())
}

fn open() -> Enrollment {
    Enrollment {
        scanned: Code { id: SCANNED.to_owned(), key: sealed(), wrong_macs: 0 },
        typed: Some(Code { id: TYPED.to_owned(), key: sealed(), wrong_macs: 0 }),
        typed_shown: sealed(),
        account_id: "account".to_owned(),
        session: "session".to_owned(),
        given: Given::unrecorded(NOW),
        expires_at: NOW + LIFE,
        state: State::Open,
        nonces: Vec::new(),
        bound_by: None,
        device_id: None,
        wrong_digits: 0,
        another_phone: false,
        ceremony: None,
        keys_document: 1,
    }
}

fn bound() -> Enrollment {
    let mut enrollment = open();
    assert_eq!(bind(&mut enrollment, SCANNED, true, false, "device", NOW), Ok(Bind::New));
    enrollment
}

fn active() -> Enrollment {
    let mut enrollment = bound();
    assert_eq!(digits(&mut enrollment, true, NOW), Digits::Right);
    enrollment
}

fn ended_by(cause: Cause) -> Enrollment {
    let mut enrollment = bound();
    end(&mut enrollment, cause);
    enrollment
}

fn holds_nothing(enrollment: &Enrollment) -> bool {
    let typed = enrollment.typed.as_ref().is_none_or(|code| code.key.is_none());
    enrollment.scanned.key.is_none() && typed && enrollment.typed_shown.is_none()
}

#[test]
fn look_up_binds_no_phone() {
    let mut enrollment = open();
    assert_eq!(look_up(&mut enrollment, SCANNED, "n1", true, NOW), Ok(()));
    assert_eq!(enrollment.state, State::Open);
    assert_eq!((enrollment.bound_by, enrollment.device_id), (None, None));
}

#[test]
fn at_most_five_phones_may_look_up_a_code() {
    let mut enrollment = open();
    for nonce in ["n1", "n2", "n3", "n4", "n5", "n1", "n5"] {
        assert_eq!(look_up(&mut enrollment, SCANNED, nonce, true, NOW), Ok(()), "{nonce}");
    }
    assert_eq!(look_up(&mut enrollment, SCANNED, "n6", true, NOW), Err(Refusal::TooManyLookUps));
    assert_eq!(look_up(&mut enrollment, TYPED, "n6", true, NOW), Err(Refusal::TooManyLookUps));
    assert_eq!(enrollment.state, State::Open);
}

#[test]
fn j2_w1_enrollment_expires_after_exactly_ten_minutes() {
    assert_eq!(LIFE, 600);
    let (mut in_time, mut late) = (open(), open());
    assert_eq!(look_up(&mut in_time, SCANNED, "n", true, NOW + LIFE - 1), Ok(()));
    assert_eq!(look_up(&mut late, SCANNED, "n", true, NOW + LIFE), Err(Refusal::Expired));
    assert_eq!(late.state, State::Ended(Cause::Expired));
    assert!(holds_nothing(&late));
    let mut late = open();
    assert_eq!(bind(&mut late, SCANNED, true, false, "device", NOW + LIFE), Err(Refusal::Expired));
    let mut late = bound();
    assert_eq!(digits(&mut late, true, NOW + LIFE), Digits::Over);
    assert_eq!(late.state, State::Ended(Cause::Expired));
}

#[test]
fn j2_w2_used_code_is_refused() {
    let mut used = active();
    assert_eq!(look_up(&mut used, SCANNED, "n", true, NOW), Err(Refusal::Used));
    assert_eq!(bind(&mut used, SCANNED, true, true, "device", NOW), Err(Refusal::Used));
    assert_eq!(used.state, State::Active);
}

#[test]
fn j2_w3_ended_enrollment_stays_ended() {
    for cause in CAUSES {
        let mut over = ended_by(cause);
        assert_eq!(look_up(&mut over, SCANNED, "n", true, NOW), Err(Refusal::Cancelled), "{cause:?}");
        assert_eq!(bind(&mut over, SCANNED, true, true, "device", NOW), Err(Refusal::Cancelled), "{cause:?}");
        assert_eq!(digits(&mut over, true, NOW), Digits::Over, "{cause:?}");
        end(&mut over, Cause::Expired);
        settle(&mut over, NOW + LIFE);
        assert_eq!(over.state, State::Ended(cause));
        assert!(holds_nothing(&over), "{cause:?}");
    }
}

#[test]
fn j2_w4_second_phone_is_refused_and_recorded() {
    let mut enrollment = bound();
    assert!(!enrollment.another_phone);
    assert_eq!(bind(&mut enrollment, SCANNED, true, false, "device", NOW), Err(Refusal::Used));
    assert!(enrollment.another_phone);
    let mut enrollment = bound();
    assert_eq!(look_up(&mut enrollment, SCANNED, "other", true, NOW), Err(Refusal::Used));
    assert!(enrollment.another_phone);
    let mut enrollment = bound();
    assert_eq!(bind(&mut enrollment, TYPED, true, true, "device", NOW), Err(Refusal::Used));
    assert_eq!(enrollment.state, State::Bound);
}

#[test]
fn j2_w5_third_wrong_entry_of_digits_ends_the_enrollment() {
    let mut enrollment = bound();
    assert_eq!(digits(&mut enrollment, false, NOW), Digits::Wrong(2));
    assert_eq!(digits(&mut enrollment, false, NOW), Digits::Wrong(1));
    assert_eq!(enrollment.state, State::Bound);
    assert_eq!(digits(&mut enrollment, false, NOW), Digits::Over);
    assert_eq!(enrollment.state, State::Ended(Cause::WrongDigits));
    assert!(holds_nothing(&enrollment));
    assert_eq!(digits(&mut enrollment, true, NOW), Digits::Over);
}

#[test]
fn right_digits_after_two_wrong_ones_are_accepted() {
    let mut enrollment = bound();
    digits(&mut enrollment, false, NOW);
    digits(&mut enrollment, false, NOW);
    assert_eq!(digits(&mut enrollment, true, NOW), Digits::Right);
    assert_eq!(enrollment.state, State::Active);
    assert!(holds_nothing(&enrollment));
}

#[test]
fn j2_w6_repeated_bind_by_the_same_phone_is_accepted() {
    let mut enrollment = bound();
    assert_eq!(bind(&mut enrollment, SCANNED, true, true, "device", NOW + LIFE - 1), Ok(Bind::Same));
    assert_eq!(enrollment.state, State::Bound);
    assert!(!enrollment.another_phone);
}

#[test]
fn digits_are_accepted_only_while_a_phone_is_bound() {
    for (mut enrollment, state) in [(open(), State::Open), (active(), State::Active)] {
        assert_eq!(digits(&mut enrollment, true, NOW), Digits::Over);
        assert_eq!(digits(&mut enrollment, false, NOW), Digits::Over);
        assert_eq!((enrollment.state, enrollment.wrong_digits), (state, 0));
    }
}

#[test]
fn five_wrong_macs_end_only_the_guessed_code() {
    let mut enrollment = open();
    for _guess in 0..5 {
        assert_eq!(look_up(&mut enrollment, TYPED, "n", false, NOW), Err(Refusal::Unknown));
    }
    assert!(enrollment.code(TYPED).unwrap().key.is_none());
    assert!(enrollment.code(SCANNED).unwrap().key.is_some());
    assert_eq!(bind(&mut enrollment, SCANNED, true, false, "device", NOW), Ok(Bind::New));
}

#[test]
fn four_wrong_macs_do_not_end_the_code() {
    let mut enrollment = open();
    for _guess in 0..4 {
        assert_eq!(bind(&mut enrollment, SCANNED, false, false, "device", NOW), Err(Refusal::Unknown));
    }
    assert!(enrollment.code(SCANNED).unwrap().key.is_some());
    assert_eq!((enrollment.state, enrollment.nonces.len()), (State::Open, 0));
}

#[test]
fn wrong_mac_does_not_change_the_state() {
    for (mut enrollment, state) in [(open(), State::Open), (bound(), State::Bound)] {
        assert_eq!(look_up(&mut enrollment, SCANNED, "n", false, NOW), Err(Refusal::Unknown));
        assert_eq!(bind(&mut enrollment, SCANNED, false, true, "device", NOW), Err(Refusal::Unknown));
        assert_eq!(enrollment.state, state);
        assert!(!enrollment.another_phone);
    }
}

#[test]
fn an_active_enrollment_can_not_be_ended() {
    let mut enrollment = active();
    end(&mut enrollment, Cause::NotMyPhone);
    settle(&mut enrollment, NOW + 2 * LIFE);
    assert_eq!(enrollment.state, State::Active);
}
