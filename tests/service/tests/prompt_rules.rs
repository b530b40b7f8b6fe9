//! Who may ask, how loudly, with which number, and what an answer does.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use countersign_service::clock::{DAY, HOUR, MINUTE, Time};
use countersign_service::prompts::numbers::fresh;
use countersign_service::prompts::records::{Ceremony, Kind, Match, Origin, Outcome, Owner, Told};
use countersign_service::prompts::rules::{
    Allowed, Decision, Refusal, Start, decide, is_forgotten, life, numbers, start,
};

const NOW: Time = 1_790_000_000;
const BROWSER: &str = "browser";
const ORIGINS: [Origin; 3] = [Origin::SignedIn, Origin::KnownBrowser, Origin::PasswordProved];

fn mine() -> Owner {
    Owner::Attempt("mine".to_owned())
}

fn anothers(name: &str) -> Owner {
    Owner::Attempt(name.to_owned())
}

/// A ceremony started `ago` seconds ago by another browser; live as long as two minutes have not passed.
fn past(origin: Origin, ago: Time) -> Ceremony {
    Ceremony {
        id: format!("{origin:?} {ago}"),
        account_id: "account".to_owned(),
        owner: anothers(&format!("{ago}")),
        known_browser: (origin == Origin::KnownBrowser).then(|| BROWSER.to_owned()),
        kind: Kind::SecondFactor,
        origin,
        number: "47".to_owned(),
        r#match: Match::Enter { digits: 2 },
        network: format!("10.0.{}.0/24", ago.rem_euclid(256)),
        silent: false,
        created_at: NOW - ago,
        expires_at: NOW - ago + life(Kind::SecondFactor, origin),
        outcome: None,
        decided_at: None,
        decided_by: None,
        redeemed: false,
        gave_session: None,
        gave_browser: None,
    }
}

fn decided(origin: Origin, ago: Time, outcome: Outcome) -> Ceremony {
    Ceremony { outcome: Some(outcome), decided_at: Some(NOW - ago), ..past(origin, ago) }
}

struct Asking {
    origin: Origin,
    owner: Owner,
    kind: Kind,
    unblocked_at: Time,
    opened_at: Time,
    reported_at: Option<Time>,
}

fn asking(origin: Origin) -> Asking {
    Asking { origin, owner: mine(), kind: Kind::SecondFactor, unblocked_at: 0, opened_at: 0, reported_at: None }
}

impl Asking {
    fn of(&self, history: &[Ceremony]) -> Result<Allowed, Refusal> {
        let known_browser = (self.origin == Origin::KnownBrowser).then_some(BROWSER);
        let facts = Start {
            kind: self.kind,
            origin: self.origin,
            owner: &self.owner,
            known_browser,
            network: "192.0.2.0/24",
            unblocked_at: self.unblocked_at,
            opened_at: self.opened_at,
            reported_at: self.reported_at,
        };
        start(&facts, history, NOW)
    }

    fn silent(&self, history: &[Ceremony]) -> bool {
        self.of(history).unwrap().silent
    }
}

#[test]
fn with_no_history_everyone_rings_and_only_a_known_browser_may_choose() {
    for (origin, may_choose) in ORIGINS.into_iter().zip([false, true, false]) {
        assert_eq!(asking(origin).of(&[]), Ok(Allowed { silent: false, may_choose }), "{origin:?}");
    }
}

#[test]
fn j7_w1_three_wrong_numbers_in_a_day_end_that_origin_and_no_other() {
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
        let unblocked_before = Asking { unblocked_at: NOW - DAY, ..asking(origin) };
        assert_eq!(unblocked_before.of(&three), Err(Refusal::Blocked));
    }
}

#[test]
fn a_session_asks_in_vain_three_times_an_hour() {
    let own = |ago| Ceremony { owner: mine(), ..decided(Origin::SignedIn, ago, Outcome::Denied) };
    let approved = |ago| Ceremony { outcome: Some(Outcome::Approved), ..own(ago) };
    let asking = Asking { kind: Kind::RemoveMethod, ..asking(Origin::SignedIn) };
    assert_eq!(asking.of(&[own(HOUR - 1), own(1_000), own(500)]), Err(Refusal::TooMany));
    assert!(asking.of(&[own(HOUR), own(1_000), own(500)]).is_ok());
    assert!(asking.of(&[own(HOUR - 1), own(1_000), approved(500)]).is_ok(), "what was approved bothered nobody");
    let others: Vec<Ceremony> = (1..9).map(|ago| decided(Origin::SignedIn, ago, Outcome::Approved)).collect();
    assert!(asking.of(&others).is_ok());
}

#[test]
fn an_unknown_browser_is_three_an_account_one_a_network_and_rings_once_in_ten_minutes() {
    let live = |ago| past(Origin::Unknown, ago);
    assert_eq!(asking(Origin::Unknown).of(&[]), Ok(Allowed { silent: false, may_choose: false }));
    assert_eq!(asking(Origin::Unknown).of(&[live(1), live(2), live(3)]), Err(Refusal::TooMany));
    assert!(asking(Origin::Unknown).of(&[live(1), live(2), live(60)]).is_ok(), "a minute is over");
    let near = Ceremony { network: "192.0.2.0/24".to_owned(), ..live(1) };
    assert_eq!(asking(Origin::Unknown).of(std::slice::from_ref(&near)), Err(Refusal::TooMany));
    let own = Ceremony { owner: mine(), ..near };
    assert!(asking(Origin::Unknown).of(&[own]).is_ok(), "the same page replaces its own");
    assert!(asking(Origin::Unknown).silent(&[live(5)]), "one rang a moment ago");
    let approved = decided(Origin::Unknown, 300, Outcome::Approved);
    assert!(!asking(Origin::Unknown).silent(&[approved]));
}

#[test]
fn an_unknown_browser_falls_silent_for_a_day_after_one_in_vain() {
    for bad in [Outcome::Denied, Outcome::Reported, Outcome::Expired, Outcome::Cancelled] {
        let vain = decided(Origin::Unknown, DAY - 1, bad);
        assert!(asking(Origin::Unknown).silent(std::slice::from_ref(&vain)), "{bad:?}");
        assert!(!asking(Origin::Unknown).silent(&[decided(Origin::Unknown, DAY, bad)]), "{bad:?} a day ago");
        let opened = Asking { opened_at: NOW - 100, ..asking(Origin::Unknown) };
        assert!(!opened.silent(std::slice::from_ref(&vain)), "{bad:?}, but the app was opened since");
        for other in ORIGINS {
            assert!(!asking(other).silent(std::slice::from_ref(&vain)), "{bad:?} costs {other:?} nothing");
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
fn a_known_browser_that_was_denied_must_enter_and_after_a_second_time_is_unknown() {
    for bad in [Outcome::Denied, Outcome::Reported, Outcome::Expired] {
        let strike = |ago| decided(Origin::KnownBrowser, ago, bad);
        let enters = Ok(Allowed { silent: false, may_choose: false });
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
fn two_unknown_browsers_may_wait_at_once() {
    let proved = |ago| past(Origin::PasswordProved, ago);
    assert_eq!(asking(Origin::PasswordProved).of(&[proved(20), proved(10)]), Err(Refusal::TooMany));
    assert!(asking(Origin::PasswordProved).of(&[proved(120), proved(10)]).is_ok());
    let replaced = Ceremony { owner: mine(), ..proved(10) };
    assert!(asking(Origin::PasswordProved).of(&[proved(20), replaced]).is_ok());
    let other_origins = [past(Origin::KnownBrowser, 20), past(Origin::SignedIn, 10)];
    assert!(asking(Origin::PasswordProved).of(&other_origins).is_ok());
}

#[test]
fn an_unknown_browser_rings_once_in_two_minutes() {
    let proved = asking(Origin::PasswordProved);
    let rang = decided(Origin::PasswordProved, 2 * MINUTE - 1, Outcome::WrongNumber);
    assert!(proved.silent(std::slice::from_ref(&rang)));
    assert!(!proved.silent(&[decided(Origin::PasswordProved, 2 * MINUTE, Outcome::WrongNumber)]));
    assert!(!proved.silent(&[decided(Origin::PasswordProved, 10, Outcome::Approved)]));
    assert!(!proved.silent(&[Ceremony { silent: true, ..rang }]));
    assert!(!proved.silent(&[past(Origin::KnownBrowser, 10), past(Origin::SignedIn, 10)]));
}

#[test]
fn j7_w4_two_denied_or_unanswered_in_an_hour_silence_unknown_browsers() {
    let proved = asking(Origin::PasswordProved);
    let (denied, unanswered) =
        (decided(Origin::PasswordProved, HOUR - 1, Outcome::Denied), past(Origin::PasswordProved, 1_000));
    assert!(proved.silent(&[denied.clone(), unanswered.clone()]));
    assert!(!proved.silent(std::slice::from_ref(&unanswered)));
    assert!(!proved.silent(&[decided(Origin::PasswordProved, HOUR, Outcome::Denied), unanswered.clone()]));
    let elsewhere =
        [decided(Origin::KnownBrowser, 900, Outcome::Denied), decided(Origin::SignedIn, 800, Outcome::Denied)];
    assert!(!proved.silent(&elsewhere));
    assert!(!asking(Origin::KnownBrowser).silent(&[denied, unanswered]));
}

#[test]
fn silence_ends_by_an_approval_or_by_opening_the_app() {
    let proved = asking(Origin::PasswordProved);
    let strikes = [
        decided(Origin::PasswordProved, 1_000, Outcome::Denied),
        decided(Origin::PasswordProved, 900, Outcome::Denied),
    ];
    assert!(proved.silent(&strikes));
    for origin in ORIGINS {
        let [first, second] = strikes.clone();
        assert!(!proved.silent(&[first, second, decided(origin, 800, Outcome::Approved)]), "{origin:?}");
    }
    assert!(!Asking { opened_at: NOW - 900, ..asking(Origin::PasswordProved) }.silent(&strikes));
    assert!(Asking { opened_at: NOW - 1_001, ..asking(Origin::PasswordProved) }.silent(&strikes));
}

#[test]
fn j7_w3_a_report_refuses_unknown_browsers_only() {
    let reported = |origin| Asking { reported_at: Some(NOW - 5 * DAY), ..asking(origin) };
    assert_eq!(reported(Origin::PasswordProved).of(&[]), Err(Refusal::Reported));
    assert!(reported(Origin::KnownBrowser).of(&[]).is_ok());
    assert!(reported(Origin::SignedIn).of(&[]).is_ok());
}

/// Always the given index, so that a test can walk through every draw.
fn drawing(index: u32) -> impl FnMut(u32) -> Result<u32, Infallible> {
    move |below| Ok(index.min(below - 1))
}

#[test]
fn numbers_are_all_of_ten_to_ninety_nine() {
    let drawn: BTreeSet<String> = (0..90).map(|index| numbers(false, &[], NOW, drawing(index)).unwrap().0).collect();
    let expected: BTreeSet<String> = (10..100).map(|number: u32| number.to_string()).collect();
    assert_eq!(drawn, expected);
    assert_eq!(numbers(false, &[], NOW, drawing(0)).unwrap().1, Match::Enter { digits: 2 });
}

#[test]
fn a_number_rests_ten_minutes_with_its_options() {
    let options = ["10", "11", "12"].map(str::to_owned);
    let chosen = |ago| Ceremony {
        number: "11".to_owned(),
        r#match: Match::Choose { options: options.clone() },
        ..decided(Origin::KnownBrowser, ago, Outcome::Approved)
    };
    let entered = Ceremony { number: "13".to_owned(), ..past(Origin::SignedIn, 20) };
    let history = [chosen(10 * MINUTE - 1), entered];
    for index in 0..90 {
        let (number, _) = numbers(false, &history, NOW, drawing(index)).unwrap();
        assert!(number.parse::<u32>().unwrap() >= 14, "{number}");
    }
    assert_eq!(numbers(false, &[chosen(10 * MINUTE)], NOW, drawing(0)).unwrap().0, "10");
}

#[test]
fn three_options_hold_the_right_one_at_any_place() {
    let mut places = BTreeSet::new();
    for place in 0..3 {
        let (number, matching) = numbers(true, &[], NOW, drawing(place)).unwrap();
        let Match::Choose { options } = matching else { unreachable!("choosing was asked for") };
        assert_eq!(options.iter().collect::<BTreeSet<_>>().len(), 3);
        places.insert(options.iter().position(|option| *option == number).unwrap());
    }
    assert_eq!(places.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn without_randomness_there_is_no_number() {
    assert_eq!(numbers(true, &[], NOW, |_below| Err("none")).err(), Some("none"));
}

fn live() -> Ceremony {
    past(Origin::PasswordProved, 0)
}

fn approve(number: &str) -> Decision {
    Decision::Approve(number.to_owned())
}

#[test]
fn the_right_number_approves_and_a_denial_denies() {
    assert_eq!(decide(&live(), &approve("47"), None, NOW), (Some(Outcome::Approved), Told::Approved));
    assert_eq!(decide(&live(), &Decision::Deny, None, NOW), (Some(Outcome::Denied), Told::Denied));
}

#[test]
fn j7_w1_any_other_number_ends_the_ceremony() {
    for wrong in ["48", "74", "4", "470", "047", " 47", "47 ", "", "+47", "４７"] {
        let expected = (Some(Outcome::WrongNumber), Told::WrongNumber);
        assert_eq!(decide(&live(), &approve(wrong), None, NOW), expected, "{wrong:?}");
    }
}

#[test]
fn where_the_policy_wants_it_only_the_browsers_own_network_approves() {
    let (own, other) = (live().network, "198.51.100.0/24");
    assert_eq!(decide(&live(), &approve("47"), Some(&own), NOW).1, Told::Approved);
    let refused = (Some(Outcome::RefusedPlace), Told::RefusedPlace);
    assert_eq!(decide(&live(), &approve("47"), Some(other), NOW), refused);
    assert_eq!(decide(&live(), &approve("48"), Some(other), NOW).1, Told::WrongNumber, "a wrong number stays one");
    assert_eq!(decide(&live(), &Decision::Deny, Some(other), NOW).1, Told::Denied, "denying is always possible");
}

#[test]
fn an_answer_counts_until_the_last_second() {
    let ceremony = live();
    let end = ceremony.expires_at;
    assert_eq!(decide(&ceremony, &approve("47"), None, end - 1).1, Told::Approved);
    assert_eq!(decide(&ceremony, &approve("47"), None, end), (None, Told::Expired));
    assert_eq!(decide(&ceremony, &Decision::Deny, None, end), (None, Told::Expired));
}

#[test]
fn a_ceremony_that_is_over_is_never_decided_again() {
    for (outcome, told) in [
        (Outcome::Approved, Told::AlreadyAnswered),
        (Outcome::Denied, Told::AlreadyAnswered),
        (Outcome::Reported, Told::AlreadyAnswered),
        (Outcome::WrongNumber, Told::AlreadyAnswered),
        (Outcome::Expired, Told::Expired),
        (Outcome::Superseded, Told::Superseded),
        (Outcome::Cancelled, Told::Cancelled),
        (Outcome::Ended, Told::Cancelled),
        (Outcome::RefusedPlace, Told::AlreadyAnswered),
    ] {
        let over = Ceremony { outcome: Some(outcome), decided_at: Some(NOW), ..live() };
        for decision in [approve("47"), approve("48"), Decision::Deny] {
            assert_eq!(decide(&over, &decision, None, NOW), (None, told), "{outcome:?} {decision:?}");
            assert_eq!(decide(&over, &decision, None, NOW + DAY), (None, told), "{outcome:?} {decision:?}");
        }
    }
}

#[test]
fn sign_ins_live_two_minutes_and_the_rest_five() {
    let signed_in = |kind| life(kind, Origin::SignedIn);
    assert_eq!((signed_in(Kind::SecondFactor), signed_in(Kind::PhoneSignIn)), (120, 120));
    assert_eq!((signed_in(Kind::ConfirmEnrolment), signed_in(Kind::RemoveMethod)), (300, 300));
    assert_eq!(life(Kind::PhoneSignIn, Origin::Unknown), 60, "an unproven page always lasts a minute");
}

#[test]
fn ringing_and_cancelling_over_and_over_falls_silent() {
    let cancelled = |ago| decided(Origin::PasswordProved, ago, Outcome::Cancelled);
    let silent = |history: &[Ceremony]| asking(Origin::PasswordProved).of(history).map(|allowed| allowed.silent);
    assert_eq!(silent(&[cancelled(600)]), Ok(false));
    assert_eq!(silent(&[cancelled(600), cancelled(300)]), Ok(true));
    assert_eq!(silent(&[cancelled(HOUR), cancelled(300)]), Ok(false));
    let unheard = Ceremony { silent: true, ..cancelled(300) };
    assert_eq!(silent(&[cancelled(600), unheard]), Ok(false), "what never rang bothered nobody");
}

/// One person's account, asked from every origin at once: what is shown, and how it went.
struct Crowd {
    history: Vec<Ceremony>,
    resting: Vec<(u32, Time)>,
    shown_at: BTreeMap<String, Time>,
    seed: u64,
    counts: BTreeMap<&'static str, usize>,
}

impl Crowd {
    /// The next of a fixed sequence of random numbers (SplitMix64).
    fn random(&mut self, below: u32) -> u32 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(below)).unwrap()
    }

    /// No page of the account has shown it in the last ten minutes.
    fn show(&mut self, number: &str, now: Time) {
        let before = self.shown_at.insert(number.to_owned(), now);
        assert!(before.is_none_or(|before| now - before >= 10 * MINUTE), "{number} again after {before:?} at {now}");
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_insert(0) += 1;
    }

    fn start(&mut self, now: Time) {
        let origin = [Origin::Unknown, Origin::Unknown, Origin::PasswordProved, Origin::KnownBrowser, Origin::SignedIn]
            [usize::try_from(self.random(5)).unwrap()];
        let (owner, network) = (format!("{origin:?} {}", self.random(40)), format!("10.0.{}.0/24", self.random(50)));
        let browser = (origin == Origin::KnownBrowser).then(|| format!("browser {}", self.random(3)));
        let mut drawn = None;
        if origin == Origin::Unknown {
            // The page shows a number whether a ceremony lies behind it or not.
            let mut seed = self.random(u32::MAX);
            let draw = |below: u32| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                Ok::<_, Infallible>((seed >> 8) % below)
            };
            let Some(number) = fresh(&mut self.resting, now, draw).unwrap() else { return self.count("worn out") };
            self.show(&number.to_string(), now);
            drawn = Some(number.to_string());
        }
        let facts = Start {
            kind: Kind::PhoneSignIn,
            origin,
            owner: &anothers(&owner),
            known_browser: browser.as_deref(),
            network: &network,
            unblocked_at: 0,
            opened_at: 0,
            reported_at: None,
        };
        let Ok(allowed) = start(&facts, &self.history, now) else { return self.count("refused") };
        let (number, r#match) = match drawn {
            Some(number) => (number, Match::Enter { digits: 3 }),
            None => {
                let history = std::mem::take(&mut self.history);
                let drawn = numbers(allowed.may_choose, &history, now, |below| Ok::<_, Infallible>(self.random(below)));
                self.history = history;
                drawn.unwrap()
            }
        };
        for past in self.history.iter_mut().filter(|past| past.owner == anothers(&owner) && past.is_live(now)) {
            (past.outcome, past.decided_at) = (Some(Outcome::Superseded), Some(now));
        }
        let outcome = (self.random(10) == 0).then_some(Outcome::Approved);
        let ceremony = Ceremony {
            owner: anothers(&owner),
            known_browser: browser,
            number,
            r#match,
            network,
            silent: allowed.silent,
            created_at: now,
            expires_at: now + life(Kind::PhoneSignIn, origin),
            outcome,
            decided_at: outcome.map(|_approved| now),
            ..past(origin, 0)
        };
        if origin != Origin::Unknown {
            for number in ceremony.numbers() {
                assert!(!number.is_empty(), "every number rests: one origin has used up what belongs to all");
                self.show(number, now);
            }
        }
        self.history.push(ceremony);
        self.count(match origin {
            Origin::Unknown => "unknown",
            Origin::PasswordProved => "password proved",
            Origin::KnownBrowser => "known browser",
            Origin::SignedIn => "signed in",
        });
    }
}

/// One start a second from each of fifty networks for two minutes: a known browser is asked for as if nobody was there.
#[test]
fn j6_w9_two_minutes_of_strangers_from_fifty_networks_cost_a_known_browser_nothing() {
    let mut history: Vec<Ceremony> = Vec::new();
    let (mut made, mut rang) = (0, 0);
    for second in 0..120 {
        let now = NOW + second;
        for network in 0..50 {
            let (owner, network) = (anothers(&format!("{second} {network}")), format!("10.0.{network}.0/24"));
            let facts = Start {
                kind: Kind::PhoneSignIn,
                origin: Origin::Unknown,
                owner: &owner,
                known_browser: None,
                network: &network,
                unblocked_at: 0,
                opened_at: 0,
                reported_at: None,
            };
            if let Ok(allowed) = start(&facts, &history, now) {
                (made, rang) = (made + 1, rang + i32::from(!allowed.silent));
                let (created_at, expires_at) = (now, now + life(Kind::PhoneSignIn, Origin::Unknown));
                let silent = allowed.silent;
                history.push(Ceremony { owner, network, silent, created_at, expires_at, ..past(Origin::Unknown, 0) });
            }
        }
        let facts = Start {
            kind: Kind::PhoneSignIn,
            origin: Origin::KnownBrowser,
            owner: &mine(),
            known_browser: Some(BROWSER),
            network: "192.0.2.0/24",
            unblocked_at: 0,
            opened_at: 0,
            reported_at: None,
        };
        let known = start(&facts, &history, now);
        assert_eq!(known, Ok(Allowed { silent: false, may_choose: true }), "in second {second}");
    }
    assert_eq!((made, rang), (6, 1), "three live at once, and one of them rings");
}

/// A hundred thousand starts on one account from fifty networks, ten a second and more: whatever a page shows, no other
/// has shown in ten minutes, so no number fits a request that it was not drawn for.
#[test]
fn j6_w17_numbers_never_collide_in_a_hundred_thousand_overlapping_starts() {
    let mut crowd =
        Crowd { history: Vec::new(), resting: Vec::new(), shown_at: BTreeMap::new(), seed: 6, counts: BTreeMap::new() };
    let mut now = NOW;
    for at in 0..100_000 {
        // Long calm stretches with a start a second, and storms.
        now += Time::from(at % 20_000 < 4_000 || at % 10 == 0);
        if at % 1_000 == 0 {
            crowd.history.retain(|past| now - past.created_at < 20 * MINUTE);
        }
        crowd.start(now);
    }
    for what in ["unknown", "password proved", "known browser", "signed in", "refused", "worn out"] {
        assert!(crowd.counts[what] > 100, "{what}: {:?}", crowd.counts);
    }
}

/// Whoever presses "again" without end is told to wait; the others' numbers are not used up by it.
#[test]
fn numbers_are_never_used_up_by_one_origin() {
    for (origin, most) in ORIGINS.into_iter().zip([20, 12, 20]) {
        let approved = |count: Time| (1..=count).map(|ago| decided(origin, ago, Outcome::Approved)).collect::<Vec<_>>();
        assert!(asking(origin).of(&approved(most - 1)).is_ok(), "{origin:?}");
        assert_eq!(asking(origin).of(&approved(most)), Err(Refusal::TooMany), "{origin:?}");
        for other in ORIGINS.into_iter().filter(|other| *other != origin) {
            assert!(asking(other).of(&approved(most)).is_ok(), "{other:?} after {origin:?}");
        }
    }
}
