//! Models step-up before changes of an account, in a session of Alice. Mallory also has the cookie of this session.
//!
//! Mallory asks for changes in this session, and tries to redeem every ceremony for every change. This models
//! parallel HTTP requests, which can combine the ceremony of one request with the change of another. Mallory can't
//! make Alice type the number
//! of a page that Alice does not see.

use std::collections::{BTreeMap, BTreeSet};

use countersign_service::clock::Time;
use countersign_service::effects::add_method;
use countersign_service::enrollment::acts::fresh;
use countersign_service::enrollment::state::Enrollment;
use countersign_service::prompts::ceremony::{Ceremony, Kind, Origin, Owner};
use countersign_service::prompts::change::Change;
use countersign_service::prompts::records::Prompt;
use countersign_service::security_info::acts::{Changed, redeem};
use countersign_service::security_info::step_up::asked_of;
use countersign_service::security_info::wizard::{MayAdd, start_in};
use countersign_service::sign_in::session::{Session, Used};
use stateright::{Model, Property};

use crate::answers::{Said, Sides, Start, has_said};
use crate::faults::{Fault, always};
use crate::rows::Rows;
use crate::world::{ALICE, ALICES_PHONE, START, add_keys, add_phones, by_approval, people, service};

/// The moments of the model, in seconds. Prompts and approvals last five minutes, and an approval of adding a phone ten.
const TIMES: [Time; 3] = [0, 250, 610];
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
    enrollment: Enrollment,
}

impl Default for StepUp {
    fn default() -> Self {
        let (app, mut begin) = (service(), people());
        add_phones(&mut begin, true);
        add_keys(&app, &mut begin);
        let given = || by_approval("the sign-in");
        let session = Session::new(SESSION.to_owned(), ALICE.to_owned(), Used::PasswordAndPhone, given());
        begin.run(|tx| tx.insert(&session));
        let enrollment = fresh(&app, session.account_id, session.id, given(), START).expect("an enrollment");
        Self { sides: Sides::new(app), begin, enrollment }
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
            proven: None,
            change: Some(wish.change()),
            only: asked_of(&wish.change()),
            number: None,
        };
        if self.sides.start(&mut state.rows, start, now) && by_alice {
            state.page = Some(name);
        }
    }

    fn finish(&self, state: &mut State, ceremony: &str, wish: Wish, now: Time) {
        let (before, prompts): (Rows, Vec<Prompt>) = (state.rows.clone(), state.rows.all());
        let found: Ceremony = state.rows.one(ceremony);
        let waits = |session: &mut Session| session.ceremony = Some(ceremony.to_owned());
        if state.rows.run(|tx| tx.update(SESSION, waits)).granted().is_none() {
            return;
        }
        let made = match wish {
            Wish::Add => self.adds(&mut state.rows, now),
            Wish::Remove | Wish::Pass => changes(&mut state.rows, now),
        };
        // The model only checks that the change is allowed, and then undoes the effects of the change.
        state.rows = before;
        let Some(made) = made else { return };
        state.rows.run(|tx| tx.update::<Ceremony, _>(&found.id, |stored| stored.redeemed = true)).granted();
        let used = state.used.entry(ceremony.to_owned()).or_default();
        *used += 1;
        if *used > 1 {
            state.faults.insert(Fault::UsedTwice);
        }
        let approved = has_said(&state.said, &prompts, ceremony, |said| said.number.as_ref() == Some(&found.number));
        if !approved || found.kind != made.change().kind() {
            state.faults.insert(Fault::ChangedWithoutItsApproval);
        }
        let life = if found.kind == Kind::AddMethod { 600 } else { 300 };
        if found.decided_at.is_none_or(|at| now - at >= life) {
            state.faults.insert(Fault::DecidedTooLate);
        }
    }

    /// Starts the wizard, and spends what allows adding a phone.
    fn adds(&self, rows: &mut Rows, now: Time) -> Option<Wish> {
        match rows.run(|tx| start_in(tx, SESSION, &self.enrollment, now)) {
            MayAdd::Now(given) => {
                rows.run(|tx| add_method::check(tx, ALICE, &given.by, now).map(|_proof| ()));
                Some(Wish::Add)
            }
            MayAdd::AfterApproval | MayAdd::PassNeeded | MayAdd::NotOffered => None,
        }
    }
}

/// Makes the change for which the session waits, and returns it.
fn changes(rows: &mut Rows, now: Time) -> Option<Wish> {
    match rows.run(|tx| redeem(tx, SESSION, now))? {
        Changed::Removed => Some(Wish::Remove),
        Changed::Pass(_) => Some(Wish::Pass),
        Changed::MayAdd | Changed::Lost => None,
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
