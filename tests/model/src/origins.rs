//! Models the origins. Ceremonies of unknown browsers must not have the effect that a browser of another origin is
//! refused, gets quiet prompts or is forgotten.
//!
//! The rules decide from the history of an account: the list of its past ceremonies. Each state of the model contains
//! one history. The model also computes the same history without the ceremonies of unknown browsers, except those that
//! Alice approved. The rules must make the same decisions for both histories.

use std::collections::BTreeSet;

use countersign_service::clock::{DAY, Time};
use countersign_service::prompts::ceremony::{Ceremony, Kind, Match, Origin, Outcome, Owner};
use countersign_service::prompts::rules::{self, Start};
use stateright::{Model, Property};

use crate::faults::{Fault, always};
use crate::world::{ALICE, START, smallest};

/// The moments of the model, in seconds: at the start, after every prompt has expired, after ten minutes without
/// prompts, after a day.
const TIMES: [Time; 4] = [0, 130, 760, DAY + 800];
/// The maximum number of ceremonies in a history.
const MOST: usize = 3;

/// A browser that starts ceremonies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asker {
    /// Alice's known browser.
    Known,
    /// A new browser of Alice, in which the password was typed.
    Password,
    /// A page in a session of Alice.
    Session,
    /// An unknown browser, in one of two networks.
    Unknown(u8),
}

const ASKERS: [Asker; 5] = [Asker::Known, Asker::Password, Asker::Session, Asker::Unknown(1), Asker::Unknown(2)];
/// The outcomes that a ceremony can get before it expires.
const ENDS: [Outcome; 4] = [Outcome::Approved, Outcome::Denied, Outcome::WrongNumber, Outcome::Cancelled];

impl Asker {
    fn origin(self) -> Origin {
        match self {
            Self::Known => Origin::KnownBrowser,
            Self::Password => Origin::PasswordProved,
            Self::Session => Origin::SignedIn,
            Self::Unknown(_) => Origin::Unknown,
        }
    }

    fn asks<'a>(self, owner: &'a Owner, network: &'a str) -> Start<'a> {
        Start {
            kind: Kind::SecondFactor,
            origin: self.origin(),
            owner,
            known_browser: (self == Self::Known).then_some("known"),
            network,
            unblocked_at: 0,
            opened_at: 0,
            reported_at: None,
        }
    }
}

/// A step of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// A browser starts a ceremony.
    Start(Asker),
    /// A live ceremony ends: its index in the history, and the index of its outcome in `ENDS`.
    End(usize, usize),
    /// Time advances to the next moment of `TIMES`.
    Wait,
}

/// A past ceremony, reduced to the facts that differ between ceremonies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Past {
    asker: Asker,
    at: usize,
    number: String,
    silent: bool,
    ended: Option<(usize, usize)>,
}

/// A state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    history: Vec<Past>,
    tick: usize,
    faults: BTreeSet<Fault>,
}

/// The model of the origins.
pub struct Origins;

fn record(index: usize, past: &Past) -> Ceremony {
    let created_at = START + TIMES[past.at];
    let (owner, network) = browser(past.asker, index);
    Ceremony {
        id: index.to_string(),
        account_id: ALICE.to_owned(),
        owner,
        known_browser: (past.asker == Asker::Known).then(|| "known".to_owned()),
        kind: Kind::SecondFactor,
        origin: past.asker.origin(),
        number: past.number.clone(),
        r#match: Match::Enter { digits: 2 },
        network,
        quiet: past.silent,
        created_at,
        expires_at: created_at + rules::life(Kind::SecondFactor, past.asker.origin()),
        outcome: past.ended.map(|(how, _)| ENDS[how]),
        decided_at: past.ended.map(|(_, at)| START + TIMES[at]),
        decided_by: None,
        redeemed: false,
        change: None,
        standing: Vec::new(),
        added: None,
    }
}

/// The browser and network of a ceremony. All ceremonies of the session have the same browser. Each other ceremony has
/// its own browser.
fn browser(asker: Asker, index: usize) -> (Owner, String) {
    match asker {
        Asker::Session => (Owner::Session("session".to_owned()), "alice".to_owned()),
        Asker::Known | Asker::Password => (Owner::Attempt(index.to_string()), "alice".to_owned()),
        Asker::Unknown(network) => (Owner::Attempt(index.to_string()), network.to_string()),
    }
}

fn records(state: &State) -> Vec<Ceremony> {
    state.history.iter().enumerate().map(|(index, past)| record(index, past)).collect()
}

fn judge(state: &State) -> BTreeSet<Fault> {
    let now = START + TIMES[state.tick];
    let whole = records(state);
    let without: Vec<Ceremony> = whole
        .iter()
        .filter(|past| past.origin != Origin::Unknown || past.outcome == Some(Outcome::Approved))
        .cloned()
        .collect();
    let mut faults = BTreeSet::new();
    for asker in [Asker::Known, Asker::Password, Asker::Session] {
        let (owner, network) = browser(asker, MOST);
        let asks = || asker.asks(&owner, &network);
        if rules::start(&asks(), &whole, now) != rules::start(&asks(), &without, now) {
            faults.insert(Fault::OriginAffectsAnother);
        }
    }
    if rules::is_forgotten(&whole, "known", now) != rules::is_forgotten(&without, "known", now) {
        faults.insert(Fault::OriginAffectsAnother);
    }
    faults
}

impl Model for Origins {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        vec![State { history: Vec::new(), tick: 0, faults: BTreeSet::new() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Event>) {
        if !state.faults.is_empty() {
            return;
        }
        if state.history.len() < MOST {
            actions.extend(ASKERS.map(Event::Start));
        }
        let now = START + TIMES[state.tick];
        for (index, past) in records(state).iter().enumerate() {
            if past.is_live(now) {
                actions.extend((0..ENDS.len()).map(|how| Event::End(index, how)));
            }
        }
        if state.tick + 1 < TIMES.len() {
            actions.push(Event::Wait);
        }
    }

    fn next_state(&self, last: &State, action: Event) -> Option<State> {
        let (mut state, now) = (last.clone(), START + TIMES[last.tick]);
        match action {
            Event::Start(asker) => {
                let (owner, network) = browser(asker, state.history.len());
                let history = records(&state);
                let allowed = rules::start(&asker.asks(&owner, &network), &history, now).ok()?;
                let (number, _) = rules::numbers(false, &history, now, smallest).ok()??;
                state.history.push(Past { asker, at: state.tick, number, silent: allowed.quiet, ended: None });
            }
            Event::End(index, how) => state.history[index].ended = Some((how, state.tick)),
            Event::Wait => state.tick += 1,
        }
        state.faults = judge(&state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = always!(OriginAffectsAnother);
        all.push(Property::sometimes("an unknown browser can get a quiet prompt", |_, state: &State| {
            state.history.iter().any(|past| matches!(past.asker, Asker::Unknown(_)) && past.silent)
        }));
        all.push(Property::sometimes("a known browser can be forgotten", |_, state: &State| {
            rules::is_forgotten(&records(state), "known", START + TIMES[state.tick])
        }));
        all
    }
}
