//! Tests the rules of ceremonies: which ceremonies may start, whether their prompts alert, which numbers they get, and
//! what an answer changes.

mod answers;
mod crowd;
mod numbers;
mod starts;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use countersign_service::clock::{DAY, HOUR, MINUTE, Time};
use countersign_service::prompts::ceremony::{AnswerResult, Ceremony, Kind, Match, Origin, Outcome, Owner};
use countersign_service::prompts::numbers::fresh;
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

/// Returns a ceremony that another browser started `ago` seconds ago, with the usual lifetime for its origin.
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
        quiet: false,
        created_at: NOW - ago,
        expires_at: NOW - ago + life(Kind::SecondFactor, origin),
        outcome: None,
        decided_at: None,
        decided_by: None,
        redeemed: false,
        change: None,
        standing: Vec::new(),
        added: None,
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

    fn quiet(&self, history: &[Ceremony]) -> bool {
        self.of(history).unwrap().quiet
    }
}
