//! A scene: one account of Alice, the browsers and phones that act on it, and the service. The models `adding`,
//! `passes`, `administration` and `revocation` are scenes with different beginnings and steps.
//!
//! A scene offers its steps in any order. The service's transactions read and write the rows of the state, and `judge`
//! judges every step. Each step runs its transaction immediately: `answers` and the models of signing in cover messages
//! that are late, lost or repeated.

mod adding;
mod changes;
mod people;
mod signing_in;

use std::collections::{BTreeMap, BTreeSet};

use countersign_service::clock::Time;
use countersign_service::prompts::ceremony::{Ceremony, Outcome};
use countersign_service::prompts::records::Prompt;
use stateright::{Model, Property};

use crate::answers::Sides;
use crate::codes::Wizard;
use crate::faults::always;
use crate::judge::judge;
use crate::ledger::Ledger;
use crate::rows::Rows;
use crate::steps::{Browser, Event, Phone, State, is_asked_by_alice};
use crate::world::START;

/// Whether a state reaches something that must be possible.
pub type Goal = fn(&Scene, &State) -> bool;

/// The model of a scene.
pub struct Scene {
    sides: Sides,
    begin: Rows,
    wizards: BTreeMap<Browser, Wizard>,
    moments: Vec<Time>,
    steps: Vec<(Event, Option<u8>)>,
    /// How many prompts of Mallory Alice approves by mistake.
    mistakes: u8,
    goals: Vec<(&'static str, Goal)>,
}

impl Scene {
    /// Returns the scene with a step that can happen at most `most` times.
    #[must_use]
    pub fn step(mut self, most: u8, event: Event) -> Self {
        self.steps.push((event, Some(most)));
        self
    }

    /// Returns the scene with steps that can happen any number of times.
    #[must_use]
    pub fn steps(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.steps.extend(events.into_iter().map(|event| (event, None)));
        self
    }

    /// Returns the scene with moments, in seconds after the start.
    #[must_use]
    pub fn moments(mut self, moments: &[Time]) -> Self {
        self.moments = moments.to_vec();
        self
    }

    /// Returns the scene in which Alice approves one prompt of Mallory by mistake.
    #[must_use]
    pub fn with_one_mistake(mut self) -> Self {
        self.mistakes = 1;
        self
    }

    /// Returns the scene with something that must be possible.
    #[must_use]
    pub fn goal(mut self, name: &'static str, reached: Goal) -> Self {
        self.goals.push((name, reached));
        self
    }

    /// Returns the time of a state.
    #[must_use]
    pub fn now(&self, state: &State) -> Time {
        START + self.moments[state.tick]
    }

    /// Alice's phones approve what Alice asked for, and by mistake a prompt of Mallory. Mallory's phones approve
    /// everything.
    fn approvals(&self, state: &State, actions: &mut Vec<Event>) {
        let (ceremonies, now): (Vec<Ceremony>, Time) = (state.rows.all(), self.now(state));
        for prompt in state.rows.all::<Prompt>() {
            let Some(ceremony) = ceremonies.iter().find(|one| one.id == prompt.ceremony) else { continue };
            let Some(phone) = Phone::of(&prompt.device_id) else { continue };
            let willing = phone.is_mallorys() || is_asked_by_alice(ceremony) || state.mistakes < self.mistakes;
            if willing && ceremony.is_live(now) {
                actions.push(Event::Approve(phone, ceremony.id.clone()));
            }
            let by_mistake = !is_asked_by_alice(ceremony) && !phone.is_mallorys();
            if by_mistake && self.mistakes > 0 && ceremony.outcome == Some(Outcome::Approved) {
                actions.push(Event::Report(phone, ceremony.id.clone()));
            }
        }
    }

    fn take(&self, state: &mut State, event: &Event, now: Time) -> Option<()> {
        match event {
            Event::Push(phone) => self.push(state, *phone, now),
            Event::Open(browser, phone) => Self::open(state, *browser, *phone, now),
            Event::Type(browser, secret) => self.type_secret(state, *browser, *secret, now),
            Event::Ask(browser) => self.ask(state, *browser, now),
            Event::FirstSession(browser) => Self::first_session(state, *browser, now),
            Event::SignIn(browser) => Self::sign_in(state, *browser, now),
            Event::Agree(browser, phone) => Self::agree(state, *browser, *phone, now),
            Event::Redeem(phone) => self.redeem(state, *phone, now),
            Event::UseToken(phone) => Self::use_token(state, *phone, now),
            Event::StepUp(by, browser, wish) => self.step_up(state, *by, *browser, wish, now),
            Event::Finish(browser) => Self::finish(state, *browser, now),
            Event::Wizard(browser) => self.wizard(state, *browser, *browser, now),
            Event::AnotherWizard(browser) => self.wizard(state, *browser, browser.other(), now),
            Event::Bind(phone, browser) => self.bind(state, *phone, *browser, now),
            Event::Digits(browser, phone) => self.digits(state, *browser, *phone, now),
            Event::Approve(phone, ceremony) => self.approve(state, *phone, ceremony, now),
            Event::Report(phone, ceremony) => self.report(state, *phone, ceremony, now),
            Event::Operate(act) => Self::operate(state, act, now),
            Event::SetPassword => Self::set_password(state, now),
            Event::ChangePassword(browser) => Self::change_password(state, *browser, now),
            Event::Wait => {
                state.tick += 1;
                Some(())
            }
        }
    }
}

impl Model for Scene {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        let rows = self.begin.clone();
        vec![State {
            ledger: Ledger::of(&rows),
            rows,
            faults: BTreeSet::new(),
            tick: 0,
            done: BTreeMap::new(),
            mistakes: 0,
            codes: BTreeSet::new(),
            tokens: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Event>) {
        if !state.faults.is_empty() {
            return;
        }
        let may = |event: &Event, most: &Option<u8>| most.is_none_or(|most| state.times(event) < most);
        actions.extend(self.steps.iter().filter(|(event, most)| may(event, most)).map(|(event, _)| event.clone()));
        self.approvals(state, actions);
        if state.tick + 1 < self.moments.len() {
            actions.push(Event::Wait);
        }
    }

    fn next_state(&self, last: &State, action: Event) -> Option<State> {
        let (mut state, now) = (last.clone(), self.now(last));
        self.take(&mut state, &action, now)?;
        let unchanged = state == *last;
        // A command of the operator must take effect. Every other step may be without effect.
        if unchanged && !matches!(action, Event::Operate(_)) {
            return None;
        }
        judge(last, &action, &mut state, now);
        if unchanged && state.faults.is_empty() {
            return None;
        }
        if self.steps.iter().any(|(event, most)| *event == action && most.is_some()) {
            *state.done.entry(action.clone()).or_default() += 1;
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = always!(
            PhoneWithoutPermission,
            GivenWithoutPermission,
            ChangedWithoutItsApproval,
            UsedTwice,
            ReportedGrantContinues,
            EndedGrantContinues
        );
        all.extend(self.goals.iter().map(|(name, reached)| Property::sometimes(name, *reached)));
        all
    }
}
