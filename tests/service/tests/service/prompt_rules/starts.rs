//! Tests which ceremonies may start, and whether their prompts alert.

use super::*;

#[test]
fn first_prompt_alerts_and_number_choice_needs_known_browser() {
    for (origin, may_choose) in ORIGINS.into_iter().zip([false, true, false]) {
        assert_eq!(asking(origin).of(&[]), Ok(Allowed { quiet: false, may_choose }), "{origin:?}");
    }
}

#[test]
fn j7_w1_three_wrong_numbers_in_a_day_block_only_their_origin() {
    for origin in ORIGINS {
        let wrong = |ago| decided(origin, ago, Outcome::WrongNumber);
        let three = [wrong(DAY - 1), wrong(5 * HOUR), wrong(4 * HOUR)];
        assert_eq!(asking(origin).of(&three), Err(Refusal::Blocked), "{origin:?}");
        assert!(asking(origin).of(&three[..2]).is_ok());
        assert!(asking(origin).of(&[wrong(DAY), wrong(5 * HOUR), wrong(4 * HOUR)]).is_ok());
        for other in ORIGINS.into_iter().filter(|other| *other != origin) {
            assert!(asking(other).of(&three).is_ok(), "{other:?} after {origin:?}");
        }
        let unblocked = Asking { unblocked_at: NOW - 4 * HOUR, ..asking(origin) };
        assert!(unblocked.of(&three).is_ok());
        let unblocked_at_the_first = Asking { unblocked_at: NOW - (DAY - 1), ..asking(origin) };
        assert!(unblocked_at_the_first.of(&three).is_ok());
        let unblocked_before = Asking { unblocked_at: NOW - DAY, ..asking(origin) };
        assert_eq!(unblocked_before.of(&three), Err(Refusal::Blocked));
    }
}

#[test]
fn ceremony_starts_per_origin_are_limited_in_ten_minutes() {
    for (origin, most) in [(Origin::SignedIn, 20), (Origin::KnownBrowser, 12), (Origin::PasswordProved, 20)] {
        let approved = |ago, count| vec![decided(origin, ago, Outcome::Approved); count];
        assert_eq!(asking(origin).of(&approved(10 * MINUTE - 1, most)), Err(Refusal::TooOften), "{origin:?}");
        assert!(asking(origin).of(&approved(10 * MINUTE - 1, most - 1)).is_ok(), "{origin:?}");
        assert!(asking(origin).of(&approved(10 * MINUTE, most)).is_ok(), "{origin:?}");
    }
}

#[test]
fn fourth_unapproved_prompt_of_a_session_in_an_hour_is_refused() {
    let own = |ago| Ceremony { owner: mine(), ..decided(Origin::SignedIn, ago, Outcome::Denied) };
    let approved = |ago| Ceremony { outcome: Some(Outcome::Approved), ..own(ago) };
    let asking = Asking { kind: Kind::RemoveMethod, ..asking(Origin::SignedIn) };
    assert_eq!(asking.of(&[own(HOUR - 1), own(1_000), own(500)]), Err(Refusal::TooMany));
    assert!(asking.of(&[own(HOUR), own(1_000), own(500)]).is_ok());
    assert!(asking.of(&[own(HOUR - 1), own(1_000), approved(500)]).is_ok(), "counted an approved prompt");
    let others: Vec<Ceremony> = (1..9).map(|ago| decided(Origin::SignedIn, ago, Outcome::Approved)).collect();
    assert!(asking.of(&others).is_ok());
}

#[test]
fn ceremonies_of_unknown_browsers_are_limited() {
    let live = |ago| past(Origin::Unknown, ago);
    assert_eq!(asking(Origin::Unknown).of(&[]), Ok(Allowed { quiet: false, may_choose: false }));
    assert_eq!(asking(Origin::Unknown).of(&[live(1), live(2), live(3)]), Err(Refusal::TooMany));
    assert!(
        asking(Origin::Unknown).of(&[live(1), live(2), live(60)]).is_ok(),
        "counted a ceremony that expired after its minute"
    );
    let near = Ceremony { network: "192.0.2.0/24".to_owned(), ..live(1) };
    assert_eq!(asking(Origin::Unknown).of(std::slice::from_ref(&near)), Err(Refusal::TooMany));
    let own = Ceremony { owner: mine(), ..near };
    assert!(asking(Origin::Unknown).of(&[own]).is_ok(), "counted the browser's own ceremony");
    assert!(asking(Origin::Unknown).quiet(&[live(5)]), "alerted again after a few seconds");
    let approved = decided(Origin::Unknown, 300, Outcome::Approved);
    assert!(!asking(Origin::Unknown).quiet(&[approved]));
    let alerted = |ago| decided(Origin::Unknown, ago, Outcome::WrongNumber);
    assert!(asking(Origin::Unknown).quiet(&[alerted(10 * MINUTE - 1)]));
    assert!(!asking(Origin::Unknown).quiet(&[alerted(10 * MINUTE)]));
}

#[test]
fn strike_makes_unknown_browser_prompts_quiet_for_a_day() {
    for bad in [Outcome::Denied, Outcome::Reported, Outcome::Expired, Outcome::Cancelled] {
        let strike = decided(Origin::Unknown, DAY - 1, bad);
        assert!(asking(Origin::Unknown).quiet(std::slice::from_ref(&strike)), "{bad:?}");
        assert!(!asking(Origin::Unknown).quiet(&[decided(Origin::Unknown, DAY, bad)]), "{bad:?} a day ago");
        for since in [NOW - 100, NOW - (DAY - 1)] {
            let opened = Asking { opened_at: since, ..asking(Origin::Unknown) };
            assert!(
                !opened.quiet(std::slice::from_ref(&strike)),
                "quiet after {bad:?}, although the app was opened since"
            );
        }
        for other in ORIGINS {
            assert!(!asking(other).quiet(std::slice::from_ref(&strike)), "{bad:?} made {other:?} quiet");
        }
    }
}

#[test]
fn a_known_browser_has_one_live_ceremony() {
    let live = past(Origin::KnownBrowser, 10);
    assert_eq!(asking(Origin::KnownBrowser).of(std::slice::from_ref(&live)), Err(Refusal::TooMany));
    let replaced = Ceremony { owner: mine(), ..live.clone() };
    assert!(asking(Origin::KnownBrowser).of(&[replaced]).is_ok());
    let another = Ceremony { known_browser: Some("another".to_owned()), ..live };
    assert!(asking(Origin::KnownBrowser).of(&[another]).is_ok());
}

#[test]
fn one_strike_ends_number_choice_and_two_forget_the_browser() {
    for bad in [Outcome::Denied, Outcome::Reported, Outcome::Expired] {
        let strike = |ago| decided(Origin::KnownBrowser, ago, bad);
        let enters = Ok(Allowed { quiet: false, may_choose: false });
        assert_eq!(asking(Origin::KnownBrowser).of(&[strike(DAY - 1)]), enters, "{bad:?}");
        assert!(asking(Origin::KnownBrowser).of(&[strike(DAY)]).unwrap().may_choose);
        assert!(!is_forgotten(&[strike(100)], BROWSER, NOW));
        assert!(is_forgotten(&[strike(200), strike(100)], BROWSER, NOW), "{bad:?}");
        assert!(!is_forgotten(&[strike(DAY), strike(100)], BROWSER, NOW));
        assert!(!is_forgotten(&[strike(200), strike(100)], "another", NOW));
    }
    let unanswered = past(Origin::KnownBrowser, 500);
    assert!(!asking(Origin::KnownBrowser).of(&[unanswered]).unwrap().may_choose);
    let harmless = [Outcome::Approved, Outcome::WrongNumber, Outcome::Superseded, Outcome::Cancelled, Outcome::Ended];
    for outcome in harmless {
        let history = [decided(Origin::KnownBrowser, 200, outcome), decided(Origin::KnownBrowser, 100, outcome)];
        assert!(asking(Origin::KnownBrowser).of(&history).unwrap().may_choose, "{outcome:?}");
        assert!(!is_forgotten(&history, BROWSER, NOW), "{outcome:?}");
    }
}

#[test]
fn at_most_two_browsers_with_the_password_can_wait() {
    let proved = |ago| past(Origin::PasswordProved, ago);
    assert_eq!(asking(Origin::PasswordProved).of(&[proved(20), proved(10)]), Err(Refusal::TooMany));
    assert!(asking(Origin::PasswordProved).of(&[proved(120), proved(10)]).is_ok());
    let replaced = Ceremony { owner: mine(), ..proved(10) };
    assert!(asking(Origin::PasswordProved).of(&[proved(20), replaced]).is_ok());
    let other_origins = [past(Origin::KnownBrowser, 20), past(Origin::SignedIn, 10)];
    assert!(asking(Origin::PasswordProved).of(&other_origins).is_ok());
}

#[test]
fn password_proved_browsers_alert_once_in_two_minutes() {
    let proved = asking(Origin::PasswordProved);
    let alerted = decided(Origin::PasswordProved, 2 * MINUTE - 1, Outcome::WrongNumber);
    assert!(proved.quiet(std::slice::from_ref(&alerted)));
    assert!(!proved.quiet(&[decided(Origin::PasswordProved, 2 * MINUTE, Outcome::WrongNumber)]));
    assert!(!proved.quiet(&[decided(Origin::PasswordProved, 10, Outcome::Approved)]));
    assert!(!proved.quiet(&[Ceremony { quiet: true, ..alerted }]));
    assert!(!proved.quiet(&[past(Origin::KnownBrowser, 10), past(Origin::SignedIn, 10)]));
}

#[test]
fn j7_w4_two_strikes_in_an_hour_make_password_prompts_quiet() {
    let proved = asking(Origin::PasswordProved);
    let (denied, unanswered) =
        (decided(Origin::PasswordProved, HOUR - 1, Outcome::Denied), past(Origin::PasswordProved, 1_000));
    assert!(proved.quiet(&[denied.clone(), unanswered.clone()]));
    assert!(!proved.quiet(std::slice::from_ref(&unanswered)));
    assert!(!proved.quiet(&[decided(Origin::PasswordProved, HOUR, Outcome::Denied), unanswered.clone()]));
    let elsewhere =
        [decided(Origin::KnownBrowser, 900, Outcome::Denied), decided(Origin::SignedIn, 800, Outcome::Denied)];
    assert!(!proved.quiet(&elsewhere));
    assert!(!asking(Origin::KnownBrowser).quiet(&[denied, unanswered]));
}

#[test]
fn approval_or_opening_the_app_restores_alerts() {
    let proved = asking(Origin::PasswordProved);
    let strikes = [
        decided(Origin::PasswordProved, 1_000, Outcome::Denied),
        decided(Origin::PasswordProved, 900, Outcome::Denied),
    ];
    assert!(proved.quiet(&strikes));
    for origin in ORIGINS {
        let [first, second] = strikes.clone();
        assert!(!proved.quiet(&[first, second, decided(origin, 800, Outcome::Approved)]), "{origin:?}");
    }
    assert!(!Asking { opened_at: NOW - 900, ..asking(Origin::PasswordProved) }.quiet(&strikes));
    assert!(Asking { opened_at: NOW - 1_001, ..asking(Origin::PasswordProved) }.quiet(&strikes));
}

#[test]
fn j7_w3_after_report_only_password_proved_browsers_are_refused() {
    let reported = |origin| Asking { reported_at: Some(NOW - 5 * DAY), ..asking(origin) };
    assert_eq!(reported(Origin::PasswordProved).of(&[]), Err(Refusal::Reported));
    assert!(reported(Origin::KnownBrowser).of(&[]).is_ok());
    assert!(reported(Origin::SignedIn).of(&[]).is_ok());
}

#[test]
fn two_cancelled_alerts_in_an_hour_make_prompts_quiet() {
    let cancelled = |ago| decided(Origin::PasswordProved, ago, Outcome::Cancelled);
    let quiet = |history: &[Ceremony]| asking(Origin::PasswordProved).of(history).map(|allowed| allowed.quiet);
    assert_eq!(quiet(&[cancelled(600)]), Ok(false));
    assert_eq!(quiet(&[cancelled(600), cancelled(300)]), Ok(true));
    assert_eq!(quiet(&[cancelled(HOUR), cancelled(300)]), Ok(false));
    let without_alert = Ceremony { quiet: true, ..cancelled(300) };
    assert_eq!(quiet(&[cancelled(600), without_alert]), Ok(false), "counted a quiet ceremony");
}

/// When too many ceremonies of one origin have started in ten minutes, the next one of this origin is refused. This
/// leaves enough unused numbers for the other origins.
#[test]
fn one_origin_can_not_use_up_all_numbers() {
    for (origin, most) in ORIGINS.into_iter().zip([20, 12, 20]) {
        let approved = |count: Time| (1..=count).map(|ago| decided(origin, ago, Outcome::Approved)).collect::<Vec<_>>();
        assert!(asking(origin).of(&approved(most - 1)).is_ok(), "{origin:?}");
        assert_eq!(asking(origin).of(&approved(most)), Err(Refusal::TooOften), "{origin:?}");
        for other in ORIGINS.into_iter().filter(|other| *other != origin) {
            assert!(asking(other).of(&approved(most)).is_ok(), "{other:?} after {origin:?}");
        }
    }
}
