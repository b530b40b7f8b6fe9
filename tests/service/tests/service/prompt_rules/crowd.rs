//! Tests many parallel ceremonies of one account.

use super::*;

/// One account for which browsers of every origin start ceremonies. Contains the account's ceremonies, the numbers that
/// pages have shown, and how often each result occurred.
struct Crowd {
    history: Vec<Ceremony>,
    resting: Vec<(u32, Time)>,
    shown_at: BTreeMap<String, Time>,
    seed: u64,
    counts: BTreeMap<&'static str, usize>,
}

impl Crowd {
    /// Returns the next number of a fixed pseudo-random sequence (SplitMix64).
    fn random(&mut self, below: u32) -> u32 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(below)).unwrap()
    }

    /// Records that a page shows a number. Fails if a page of the account has shown this number in the last ten
    /// minutes.
    fn show(&mut self, number: &str, now: Time) {
        let before = self.shown_at.insert(number.to_owned(), now);
        assert!(
            before.is_none_or(|before| now - before >= 10 * MINUTE),
            "{number} was shown at {before:?} and again at {now}"
        );
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
            // The page shows a number even if no ceremony starts.
            let mut seed = self.random(u32::MAX);
            let draw = |below: u32| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                Ok::<_, Infallible>((seed >> 8) % below)
            };
            let Some(number) = fresh(&mut self.resting, now, draw).unwrap() else {
                return self.count("no number left");
            };
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
                drawn.unwrap().unwrap()
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
            quiet: allowed.quiet,
            created_at: now,
            expires_at: now + life(Kind::PhoneSignIn, origin),
            outcome,
            decided_at: outcome.map(|_approved| now),
            ..past(origin, 0)
        };
        if origin != Origin::Unknown {
            for number in ceremony.numbers() {
                assert!(!number.is_empty(), "a ceremony has an empty number");
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

/// For two minutes, an unknown browser from each of fifty networks tries to start one ceremony per second. This does
/// not affect a known browser.
#[test]
fn j6_w9_unknown_browsers_do_not_limit_a_known_browser() {
    let mut history: Vec<Ceremony> = Vec::new();
    let (mut made, mut alerted) = (0, 0);
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
                (made, alerted) = (made + 1, alerted + i32::from(!allowed.quiet));
                let (created_at, expires_at) = (now, now + life(Kind::PhoneSignIn, Origin::Unknown));
                let quiet = allowed.quiet;
                history.push(Ceremony { owner, network, quiet, created_at, expires_at, ..past(Origin::Unknown, 0) });
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
        assert_eq!(known, Ok(Allowed { quiet: false, may_choose: true }), "in second {second}");
    }
    assert_eq!((made, alerted), (6, 1), "expected three live ceremonies at a time, and an alert only for the first");
}

/// Browsers from fifty networks try 100,000 times to start a ceremony for one account, up to ten times per second. No
/// number is shown twice in ten minutes. Each number therefore fits only the prompt for which it was drawn.
#[test]
fn j6_w17_numbers_are_unique_in_100000_overlapping_starts() {
    let mut crowd =
        Crowd { history: Vec::new(), resting: Vec::new(), shown_at: BTreeMap::new(), seed: 6, counts: BTreeMap::new() };
    let mut now = NOW;
    for at in 0..100_000 {
        // Phases with one start per second alternate with phases with ten starts per second.
        now += Time::from(at % 20_000 < 4_000 || at % 10 == 0);
        if at % 1_000 == 0 {
            crowd.history.retain(|past| now - past.created_at < 20 * MINUTE);
        }
        crowd.start(now);
    }
    for what in ["unknown", "password proved", "known browser", "signed in", "refused", "no number left"] {
        assert!(crowd.counts[what] > 100, "{what}: {:?}", crowd.counts);
    }
}
