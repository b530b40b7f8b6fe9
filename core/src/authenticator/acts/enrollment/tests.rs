//! Tests the effect of every event in every stage of an enrollment, which errors keep an enrollment, and that account
//! ids are random.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;

#[test]
fn each_event_belongs_to_one_stage() {
    let point = vec![4; 65];
    let (enrolling, key_made, bound, ended) = (
        Stage::Enrolling,
        Stage::KeyMade { point: point.clone(), push_endpoint: "https://relay.test/p".to_owned() },
        Stage::Bound { point: point.clone(), until: Timestamp(9) },
        Stage::Ended { cause: RemovalCause::Expired },
    );
    let made = || Event::KeyMade { point: vec![4; 65], push_endpoint: "https://relay.test/p".to_owned() };
    let bind = || Event::Bound { until: Timestamp(9) };
    let remove = || Event::Removed { cause: RemovalCause::Expired };
    let table = [
        (&enrolling, made(), Some(&key_made)),
        (&enrolling, bind(), None),
        (&enrolling, remove(), None),
        (&key_made, made(), None),
        (&key_made, bind(), Some(&bound)),
        (&key_made, remove(), None),
        (&bound, made(), None),
        (&bound, bind(), None),
        (&bound, remove(), Some(&ended)),
        (&ended, made(), None),
        (&ended, bind(), None),
        (&ended, remove(), None),
    ];
    for (stage, event, expected) in table {
        assert_eq!(next(stage, event.clone()).as_ref(), expected, "{stage:?} {event:?}");
    }
}

#[test]
fn only_transient_errors_keep_an_enrollment() {
    for error in [Error::Offline, Error::Untrusted, Error::Busy, Error::Platform(PlatformError::Locked)] {
        assert!(is_transient(&error), "{error}");
    }
    for error in [
        Error::Impostor,
        Error::InvalidAnswer,
        Error::Refused,
        Error::UnsupportedVersion,
        Error::Platform(PlatformError::Gone),
        Error::Enrollment(crate::authenticator::error::EnrollmentFault::Used),
    ] {
        assert!(!is_transient(&error), "{error}");
    }
}

#[test]
fn two_account_ids_differ_and_have_128_bits() {
    let (one, other) = (fresh_id().unwrap(), fresh_id().unwrap());
    assert_ne!(one, other);
    assert_eq!(one.len(), 22, "not 128 bits in base64url");
}
