//! Tests the effect of an answer on a ceremony.

use super::*;

fn live() -> Ceremony {
    past(Origin::PasswordProved, 0)
}

fn approve(number: &str) -> Decision {
    Decision::Approve(number.to_owned())
}

#[test]
fn right_number_approves_and_denial_denies() {
    assert_eq!(decide(&live(), &approve("47"), None, NOW), (Some(Outcome::Approved), AnswerResult::Approved));
    assert_eq!(decide(&live(), &Decision::Deny, None, NOW), (Some(Outcome::Denied), AnswerResult::Denied));
}

#[test]
fn j7_w1_wrong_number_ends_the_ceremony() {
    for wrong in ["48", "74", "4", "470", "047", " 47", "47 ", "", "+47", "４７"] {
        let expected = (Some(Outcome::WrongNumber), AnswerResult::WrongNumber);
        assert_eq!(decide(&live(), &approve(wrong), None, NOW), expected, "{wrong:?}");
    }
}

#[test]
fn required_proximity_refuses_approval_from_other_networks() {
    let (own, other) = (live().network, "198.51.100.0/24");
    assert_eq!(decide(&live(), &approve("47"), Some(&own), NOW).1, AnswerResult::Approved);
    let refused = (Some(Outcome::RefusedPlace), AnswerResult::RefusedPlace);
    assert_eq!(decide(&live(), &approve("47"), Some(other), NOW), refused);
    assert_eq!(
        decide(&live(), &approve("48"), Some(other), NOW).1,
        AnswerResult::WrongNumber,
        "a wrong number was not reported as wrong"
    );
    assert_eq!(
        decide(&live(), &Decision::Deny, Some(other), NOW).1,
        AnswerResult::Denied,
        "a denial from another network was refused"
    );
}

#[test]
fn answer_is_accepted_until_the_ceremony_expires() {
    let ceremony = live();
    let end = ceremony.expires_at;
    assert_eq!(decide(&ceremony, &approve("47"), None, end - 1).1, AnswerResult::Approved);
    assert_eq!(decide(&ceremony, &approve("47"), None, end), (None, AnswerResult::Expired));
    assert_eq!(decide(&ceremony, &Decision::Deny, None, end), (None, AnswerResult::Expired));
}

#[test]
fn ended_ceremony_is_never_decided_again() {
    for (outcome, result) in [
        (Outcome::Approved, AnswerResult::AlreadyAnswered),
        (Outcome::Denied, AnswerResult::AlreadyAnswered),
        (Outcome::Reported, AnswerResult::AlreadyAnswered),
        (Outcome::WrongNumber, AnswerResult::AlreadyAnswered),
        (Outcome::Expired, AnswerResult::Expired),
        (Outcome::Superseded, AnswerResult::Superseded),
        (Outcome::Cancelled, AnswerResult::Cancelled),
        (Outcome::Ended, AnswerResult::Cancelled),
        (Outcome::RefusedPlace, AnswerResult::AlreadyAnswered),
    ] {
        let over = Ceremony { outcome: Some(outcome), decided_at: Some(NOW), ..live() };
        for decision in [approve("47"), approve("48"), Decision::Deny] {
            assert_eq!(decide(&over, &decision, None, NOW), (None, result), "{outcome:?} {decision:?}");
            assert_eq!(decide(&over, &decision, None, NOW + DAY), (None, result), "{outcome:?} {decision:?}");
        }
    }
}

#[test]
fn ceremony_lifetime_depends_on_kind_and_origin() {
    let signed_in = |kind| life(kind, Origin::SignedIn);
    assert_eq!((signed_in(Kind::SecondFactor), signed_in(Kind::PhoneSignIn)), (120, 120));
    assert_eq!((signed_in(Kind::ConfirmEnrollment), signed_in(Kind::RemoveMethod)), (300, 300));
    assert_eq!(
        life(Kind::PhoneSignIn, Origin::Unknown),
        60,
        "the ceremony of a browser that proved nothing does not last one minute"
    );
}
