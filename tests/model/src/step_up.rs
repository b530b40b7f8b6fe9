//! Models step-up before changes of an account, in a session of Alice. Mallory also has the cookie of this session.
//!
//! Mallory asks for changes in this session, and tries to redeem every ceremony for every change. This models
//! parallel HTTP requests, which can combine the ceremony of one request with the change of another. Mallory can't
//! make Alice type the number
//! of a page that Alice does not see.

use std::collections::{BTreeMap, BTreeSet};

use countersign_service::clock::Time;
use countersign_service::prompts::ceremony::{Ceremony, Kind, Origin, Owner};
use countersign_service::prompts::records::Prompt;
use countersign_service::security_info::acts::redeem;
use countersign_service::security_info::step_up::asked_of;
use countersign_service::sign_in::session::{Change, Session, Used};
use stateright::{Model, Property};

use crate::answers::{Said, Sides, Start, has_said};
use crate::faults::{Fault, always};
use crate::rows::Rows;
use crate::world::{ALICE, ALICES_PHONE, START, add_phones, people, service};

/// The moments of the model, in seconds. Prompts and approvals last five minutes.
const TIMES: [Time; 3] = [0, 250, 560];
const SESSION: &str = "session of alice";

/// A step of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// Alice (true) or Mallory (false) asks for a change.
    Ask(bool, Wish),
    /// Alice answers a prompt: approves with the number of the page that Alice sees (true), or denies (false).
    Answer(String, bool),
    /// The network delivers an answer (its index).
    Deliver(usize),
    /// The session redeems a ceremony for a change.
    Finish(String, Wish),
    /// Time advances to the next moment of `TIMES`.
    Wait,
}

/// A change of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wish {
    /// Adding a method.
    Add,
    /// Removing Alice's phone.
    Remove,
    /// Creating a pass.
    Pass,
}

const WISHES: [Wish; 3] = [Wish::Add, Wish::Remove, Wish::Pass];

impl Wish {
    fn change(self) -> Change {
        match self {
            Self::Add => Change::AddMethod,
            Self::Remove => Change::RemoveMethod(ALICES_PHONE.to_owned()),
            Self::Pass => Change::CreatePass,
        }
    }
}

/// A state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    rows: Rows,
    tick: usize,
    asked: BTreeMap<Wish, u8>,
    page: Option<String>,
    said: BTreeSet<Said>,
    used: BTreeMap<String, u8>,
    faults: BTreeSet<Fault>,
}

/// The model of step-up.
pub struct StepUp {
    sides: Sides,
    begin: Rows,
}

impl Default for StepUp {
    fn default() -> Self {
        let mut begin = people();
        add_phones(&mut begin, true);
        let session = Session::new(SESSION.to_owned(), ALICE.to_owned(), Used::PasswordAndPhone, START);
        begin.run(|tx| tx.insert(&session));
        Self { sides: Sides::new(service()), begin }
    }
}

impl StepUp {
    fn ask(&self, state: &mut State, by_alice: bool, wish: Wish, now: Time) {
        let count = state.asked.entry(wish).or_default();
        *count += 1;
        let name = format!("{wish:?}{count}");
        let start = Start {
            name: &name,
            account: ALICE,
            owner: Owner::Session(SESSION.to_owned()),
            kind: wish.change().kind(),
            origin: Origin::SignedIn,
            only: asked_of(&wish.change()),
            number: None,
        };
        if self.sides.start(&mut state.rows, start, now) && by_alice {
            state.page = Some(name);
        }
    }

    fn finish(&self, state: &mut State, ceremony: &str, wish: Wish, now: Time) {
        let Some(session) = state.rows.maybe::<Session>(SESSION) else { return };
        let session = Session { ceremony: Some(ceremony.to_owned()), change: Some(wish.change()), ..session };
        let prompts: Vec<Prompt> = state.rows.all();
        let found: Ceremony = state.rows.one(ceremony);
        let before = state.rows.clone();
        if state.rows.run(|tx| redeem(tx, &session, now)).is_none() {
            return;
        }
        // The model only checks that the change is allowed, and then undoes the effects of the change.
        state.rows = before;
        state.rows.run(|tx| tx.update::<Ceremony, _>(&found.id, |stored| stored.redeemed = true)).granted();
        let used = state.used.entry(ceremony.to_owned()).or_default();
        *used += 1;
        if *used > 1 {
            state.faults.insert(Fault::UsedTwice);
        }
        let approved = has_said(&state.said, &prompts, ceremony, |said| said.number.as_ref() == Some(&found.number));
        if !approved || found.kind != wish.change().kind() {
            state.faults.insert(Fault::ChangedWithoutItsApproval);
        }
        if found.decided_at.is_none_or(|at| now - at >= 300) {
            state.faults.insert(Fault::DecidedTooLate);
        }
    }
}

impl Model for StepUp {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            rows: self.begin.clone(),
            tick: 0,
            asked: BTreeMap::new(),
            page: None,
            said: BTreeSet::new(),
            used: BTreeMap::new(),
            faults: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Event>) {
        if !state.faults.is_empty() {
            return;
        }
        let now = START + TIMES[state.tick];
        if state.asked.values().sum::<u8>() < 2 {
            actions.extend(WISHES.iter().flat_map(|wish| [Event::Ask(true, *wish), Event::Ask(false, *wish)]));
        }
        for prompt in state.rows.all::<Prompt>() {
            let unsaid = !state.said.iter().any(|said| said.prompt == prompt.jti);
            if unsaid && self.sides.shown(&prompt, now).is_some() {
                actions.extend([true, false].map(|approves| Event::Answer(prompt.jti.clone(), approves)));
            }
        }
        actions.extend((0..state.said.len()).map(Event::Deliver));
        for ceremony in state.rows.all::<Ceremony>() {
            actions.extend(WISHES.map(|wish| Event::Finish(ceremony.id.clone(), wish)));
        }
        if state.tick + 1 < TIMES.len() {
            actions.push(Event::Wait);
        }
    }

    fn next_state(&self, last: &State, action: Event) -> Option<State> {
        let (mut state, now) = (last.clone(), START + TIMES[last.tick]);
        match action {
            Event::Ask(by_alice, wish) => self.ask(&mut state, by_alice, wish, now),
            Event::Answer(jti, approves) => {
                let page = if approves { Some(state.page.clone()?) } else { None };
                self.sides.says(&state.rows, &mut state.said, &jti, page.as_deref(), now);
            }
            Event::Deliver(said) => {
                let said = state.said.iter().nth(said).cloned()?;
                self.sides.bring(&mut state.rows, ALICES_PHONE, &said.key, &said.inner, now);
            }
            Event::Finish(ceremony, wish) => self.finish(&mut state, &ceremony, wish, now),
            Event::Wait => state.tick += 1,
        }
        if state == *last {
            return None;
        }
        let may_deny = state
            .rows
            .all::<Prompt>()
            .iter()
            .all(|prompt| self.sides.may_deny(&state.rows, prompt, START + TIMES[state.tick]));
        if !may_deny {
            state.faults.insert(Fault::CannotDeny);
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = always!(ChangedWithoutItsApproval, UsedTwice, DecidedTooLate, CannotDeny);
        all.push(Property::sometimes("Alice can create a pass", |_, state: &State| {
            state.used.keys().any(|name| state.rows.one::<Ceremony>(name).kind == Kind::CreatePass)
        }));
        all.push(Property::sometimes("Alice can remove a phone", |_, state: &State| {
            state.used.keys().any(|name| state.rows.one::<Ceremony>(name).kind == Kind::RemoveMethod)
        }));
        all
    }
}
