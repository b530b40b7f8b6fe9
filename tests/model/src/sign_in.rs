//! Models the second factor and sign-in without a password, with two browsers, two phones and the service.
//!
//! The network delivers messages in any order and any number of times. Alice can answer each prompt that the core of
//! Alice's phone shows, and each of the two phones can deliver an answer to the service at any later time, repeatedly.
//! Mallory knows Alice's password and every id and number. Mallory can't sign with Alice's keys, can't send Alice's
//! browser cookie, and can't make Alice type a number that Alice's own page does not show.

use std::collections::{BTreeMap, BTreeSet};

use countersign_service::clock::Time;
use countersign_service::effects::known_browser::Cookies;
use countersign_service::effects::sign_in::{self, by_approval};
use countersign_service::prompts::acts::Only;
use countersign_service::prompts::answers::{Act, take};
use countersign_service::prompts::ceremony::{Ceremony, Kind, Origin, Outcome, Owner};
use countersign_service::prompts::records::Prompt;
use countersign_service::provenance::Given;
use countersign_service::secrets::hashed;
use countersign_service::sign_in::attempt::{Attempt, Proven};
use countersign_service::sign_in::session::{Session, Used};
use stateright::{Model, Property};

use crate::answers::{Said, Sides, Start, has_said};
use crate::faults::{Fault, always};
use crate::rows::Rows;
use crate::world::{
    ALICE, ALICES_PHONE, ISSUER, MALLORY, MALLORYS_PHONE, START, add_phones, device_key, people, service, sign_in_key,
};

/// The moments of the model, in seconds: at the start, after every prompt has expired, and after an approval can no
/// longer be redeemed (five minutes).
const TIMES: [Time; 3] = [0, 130, 450];

/// A browser, named after the person who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Browser {
    /// Alice's browser.
    Alice,
    /// Mallory's browser.
    Mallory,
}

/// A way to start a ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// The browser.
    pub browser: Browser,
    /// The account that signs in.
    pub account: &'static str,
    /// The kind of the ceremony.
    pub kind: Kind,
    /// How much the browser has proved.
    pub origin: Origin,
}

/// A forged answer, signed by a key that the attacker can use. A forged approval has the right number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Forgery {
    /// The phone that sends the forged answer.
    pub by: &'static str,
    /// True if signed by that phone's sign-in key, false if signed by its device key.
    pub with_sign_in_key: bool,
    /// The user verification that the answer claims.
    pub uv: &'static str,
    /// True for an approval, false for a denial.
    pub approves: bool,
}

/// A step of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// A ceremony is started.
    Start(Way),
    /// Alice answers a prompt that Alice's phone shows: approves with the number of Alice's own page (true), or denies
    /// (false).
    Answer(String, bool),
    /// Alice reports a prompt: "It wasn't me."
    Report(String),
    /// The network delivers an answer (its index), in a request of this phone.
    Deliver(usize, &'static str),
    /// An attacker delivers a forged answer to a prompt.
    Forge(String, Forgery),
    /// A browser redeems a ceremony for a session. True if the password was typed in this browser.
    Finish(Browser, String, bool),
    /// Time advances to the next moment of `TIMES`.
    Wait,
}

/// A state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    rows: Rows,
    tick: usize,
    started: BTreeMap<Way, usize>,
    page: Option<String>,
    said: BTreeSet<Said>,
    given: BTreeMap<String, u8>,
    faults: BTreeSet<Fault>,
    signed_in: bool,
}

/// The model of signing in, with its bounds.
pub struct SignIn {
    sides: Sides,
    /// Each way to start a ceremony, and the maximum number of starts.
    pub ways: Vec<(Way, usize)>,
    /// The forged answers that are tried.
    pub forgeries: Vec<Forgery>,
    begin: Rows,
}

impl SignIn {
    /// Creates the model, with both accounts and phones at the service.
    #[must_use]
    pub fn new(ways: Vec<(Way, usize)>, forgeries: Vec<Forgery>) -> Self {
        let mut begin = people();
        add_phones(&mut begin, true);
        Self { sides: Sides::new(service()), ways, forgeries, begin }
    }

    fn now(&self, state: &State) -> Time {
        START + TIMES[state.tick]
    }

    fn start(&self, state: &mut State, way: Way) {
        let count = state.started.entry(way).or_default();
        *count += 1;
        let letter =
            self.ways.iter().zip('a'..).find(|((known, _), _)| *known == way).map_or('?', |(_, letter)| letter);
        let name = format!("{letter}{count}");
        let start = Start {
            name: &name,
            account: way.account,
            owner: owner(way.browser),
            kind: way.kind,
            origin: way.origin,
            proven: None,
            change: None,
            only: Only::All,
            // The page of an unknown browser chooses the number itself. It has three digits.
            number: (way.origin == Origin::Unknown).then(|| format!("10{count}")),
        };
        let now = START + TIMES[state.tick];
        if self.sides.start(&mut state.rows, start, now) && way.browser == Browser::Alice {
            state.page = Some(name);
        }
    }

    fn forge(&self, state: &mut State, jti: &str, forgery: Forgery) {
        let prompt: Prompt = state.rows.one(jti);
        let number = state.rows.one::<Ceremony>(&prompt.ceremony).number;
        let mut inner = serde_json::json!({
            "aud": ISSUER, "prompt": jti, "prompt_sha256": hashed(prompt.jws.as_bytes()), "uv": forgery.uv,
            "decision": if forgery.approves { "approve" } else { "deny" },
        });
        if forgery.approves {
            inner["number"] = number.into();
        }
        let key = if forgery.with_sign_in_key { sign_in_key(forgery.by) } else { device_key(forgery.by) };
        let now = self.now(state);
        self.sides.bring(&mut state.rows, forgery.by, &key.thumbprint(), &inner.to_string(), now);
    }

    fn finish(&self, state: &mut State, browser: Browser, ceremony: &str, typed_password: bool) {
        let now = self.now(state);
        let account_id = state.rows.one::<Ceremony>(ceremony).account_id;
        let proven = typed_password.then(|| Proven { account_id, given: Given::by_password(START, now) });
        let attempt = Attempt { proven, ceremony: Some(ceremony.to_owned()), ..Attempt::new(cookie(browser), now) };
        let nth = state.given.get(ceremony).copied().unwrap_or(0);
        let (id, cookie) = (format!("{browser:?} {nth} {ceremony}"), cookie(browser));
        let signed_in = state.rows.run(|tx| {
            tx.insert(&attempt)?;
            let Some(proof) = by_approval(tx, &attempt.id, now)? else {
                return tx.delete::<Attempt>(&attempt.id).map(|_| false);
            };
            let cookies = Some(Cookies { own: Some(cookie.clone()), fresh: format!("new {cookie}") });
            let browser = sign_in::Browser { session_id: &id, cookies, older: None };
            sign_in::act(tx, proof, browser, now).map(|_session| true)
        });
        if signed_in {
            *state.given.entry(ceremony.to_owned()).or_default() += 1;
        }
    }

    /// Finds the faults of a state, and of the event that led to the state.
    fn judge(&self, before: &State, state: &mut State) {
        let now = self.now(state);
        let ceremonies: Vec<Ceremony> = state.rows.all();
        let prompts: Vec<Prompt> = state.rows.all();
        let sessions: Vec<Session> = state.rows.all();
        let mut faults = BTreeSet::new();
        let said =
            |ceremony: &Ceremony, fits: &dyn Fn(&Said) -> bool| has_said(&state.said, &prompts, &ceremony.id, fits);
        for session in sessions.iter().filter(|session| session.account_id == ALICE) {
            let given_by = ceremonies.iter().find(|ceremony| gave(ceremony, session));
            let good = given_by.is_some_and(|ceremony| {
                let key = match session.used {
                    Used::Phone => sign_in_key(ALICES_PHONE).thumbprint(),
                    _ => device_key(ALICES_PHONE).thumbprint(),
                };
                session.id.starts_with("Alice")
                    && said(ceremony, &|said| said.number.as_ref() == Some(&ceremony.number) && said.key == key)
            });
            if !good {
                faults.insert(Fault::SignedInWithoutAlicesPhone);
            }
        }
        for ceremony in &ceremonies {
            let is_alices = ceremony.account_id == ALICE;
            let decided = match ceremony.outcome {
                Some(Outcome::Approved) => said(ceremony, &|said| said.number.is_some()),
                Some(Outcome::WrongNumber) => {
                    said(ceremony, &|said| said.number.as_ref().is_some_and(|number| *number != ceremony.number))
                }
                Some(Outcome::Denied) => said(ceremony, &|said| said.number.is_none()),
                _ => true,
            };
            if is_alices && !decided {
                faults.insert(Fault::DecidedByAnotherPhone);
            }
            if ceremony.outcome == Some(Outcome::Approved) && ceremony.decided_at >= Some(ceremony.expires_at) {
                faults.insert(Fault::DecidedTooLate);
            }
            let was = before.rows.maybe::<Ceremony>(&ceremony.id).and_then(|ceremony| ceremony.outcome);
            if was.is_some() && ceremony.outcome != was && ceremony.outcome != Some(Outcome::Reported) {
                faults.insert(Fault::DecidedTwice);
            }
            let reported = ceremony.outcome == Some(Outcome::Reported);
            if reported && sessions.iter().any(|session| gave(ceremony, session)) {
                faults.insert(Fault::ReportedSessionContinues);
            }
            let others = || ceremonies.iter().filter(|other| other.id != ceremony.id);
            if others().any(|other| other.owner == ceremony.owner && other.is_live(now)) && ceremony.is_live(now) {
                faults.insert(Fault::TwoLiveCeremonies);
            }
            let lately = |other: &&Ceremony| other.account_id == ceremony.account_id;
            if others().filter(lately).any(|other| other.numbers().contains(&ceremony.number.as_str())) {
                faults.insert(Fault::SameNumber);
            }
        }
        if state.given.values().any(|count| *count > 1) {
            faults.insert(Fault::UsedTwice);
        }
        for prompt in &prompts {
            if prompt.device_id != ALICES_PHONE && self.sides.shown(prompt, now).is_some() {
                faults.insert(Fault::ShownToAnother);
            }
            if !self.sides.may_deny(&state.rows, prompt, now) {
                faults.insert(Fault::CannotDeny);
            }
        }
        state.signed_in = sessions.iter().any(|session| session.account_id == ALICE);
        state.faults = faults;
    }
}

fn cookie(browser: Browser) -> String {
    format!("{browser:?}")
}

/// Whether the browser got the session for this ceremony. The model puts the ceremony into the session's name.
fn gave(ceremony: &Ceremony, session: &Session) -> bool {
    session.id.split(' ').next_back() == Some(&ceremony.id)
}

fn owner(browser: Browser) -> Owner {
    Owner::Attempt(cookie(browser))
}

impl Model for SignIn {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            rows: self.begin.clone(),
            tick: 0,
            started: BTreeMap::new(),
            page: None,
            said: BTreeSet::new(),
            given: BTreeMap::new(),
            faults: BTreeSet::new(),
            signed_in: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Event>) {
        if !state.faults.is_empty() {
            return;
        }
        for (way, most) in &self.ways {
            if state.started.get(way).copied().unwrap_or(0) < *most {
                actions.push(Event::Start(*way));
            }
        }
        let prompts: Vec<Prompt> = state.rows.all();
        for prompt in &prompts {
            if self.sides.shown(prompt, self.now(state)).is_some()
                && !state.said.iter().any(|said| said.prompt == prompt.jti)
            {
                actions.push(Event::Answer(prompt.jti.clone(), true));
                actions.push(Event::Answer(prompt.jti.clone(), false));
            }
            let ceremony: Ceremony = state.rows.one(&prompt.ceremony);
            if ceremony.is_live(self.now(state)) {
                actions.extend(self.forgeries.iter().map(|forgery| Event::Forge(prompt.jti.clone(), *forgery)));
            } else if ceremony.outcome == Some(Outcome::Approved) && prompt.device_id == ALICES_PHONE {
                actions.push(Event::Report(prompt.jti.clone()));
            }
        }
        for said in 0..state.said.len() {
            actions.extend([ALICES_PHONE, MALLORYS_PHONE].map(|by| Event::Deliver(said, by)));
        }
        for ceremony in state.rows.all::<Ceremony>() {
            if ceremony.outcome == Some(Outcome::Approved) {
                for browser in [Browser::Alice, Browser::Mallory] {
                    actions.extend([true, false].map(|typed| Event::Finish(browser, ceremony.id.clone(), typed)));
                }
            }
        }
        if state.tick + 1 < TIMES.len() {
            actions.push(Event::Wait);
        }
    }

    fn next_state(&self, last: &State, action: Event) -> Option<State> {
        let mut state = last.clone();
        match action {
            Event::Start(way) => self.start(&mut state, way),
            Event::Answer(jti, approves) => {
                let page = if approves { Some(state.page.clone()?) } else { None };
                let now = self.now(&state);
                self.sides.says(&state.rows, &mut state.said, &jti, page.as_deref(), now);
            }
            Event::Report(jti) => {
                let now = self.now(&state);
                state.rows.run(|tx| take(tx, &self.sides.app, ALICES_PHONE, "", Some(&Act::Report(jti)), now));
            }
            Event::Deliver(said, by) => {
                let said = state.said.iter().nth(said).cloned()?;
                let now = self.now(&state);
                self.sides.bring(&mut state.rows, by, &said.key, &said.inner, now);
            }
            Event::Forge(jti, forgery) => self.forge(&mut state, &jti, forgery),
            Event::Finish(browser, ceremony, typed) => self.finish(&mut state, browser, &ceremony, typed),
            Event::Wait => state.tick += 1,
        }
        if state == *last {
            return None;
        }
        self.judge(last, &mut state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = always!(
            SignedInWithoutAlicesPhone,
            UsedTwice,
            DecidedByAnotherPhone,
            DecidedTooLate,
            DecidedTwice,
            ReportedSessionContinues,
            TwoLiveCeremonies,
            SameNumber,
            ShownToAnother,
            CannotDeny
        );
        all.push(Property::sometimes("Alice can sign in", |_, state: &State| state.signed_in));
        all.push(Property::sometimes("Alice can deny", |_, state: &State| {
            state.said.iter().any(|said| said.number.is_none())
                && state.rows.all::<Ceremony>().iter().any(|one| one.outcome == Some(Outcome::Denied))
        }));
        all
    }
}

const fn way(browser: Browser, account: &'static str, kind: Kind, origin: Origin) -> Way {
    Way { browser, account, kind, origin }
}

const MALLORYS_ANSWERS: [Forgery; 2] = [
    Forgery { by: MALLORYS_PHONE, with_sign_in_key: false, uv: "none", approves: true },
    Forgery { by: MALLORYS_PHONE, with_sign_in_key: false, uv: "none", approves: false },
];

/// The models of the second factor. Mallory knows Alice's password, and has an account at the same service.
#[must_use]
pub fn second_factor() -> Vec<SignIn> {
    let (kind, origin) = (Kind::SecondFactor, Origin::PasswordProved);
    let alices = way(Browser::Alice, ALICE, kind, origin);
    [
        vec![(alices, 2)],
        vec![(alices, 1), (way(Browser::Mallory, ALICE, kind, origin), 1)],
        vec![(alices, 1), (way(Browser::Mallory, MALLORY, kind, origin), 1)],
    ]
    .map(|ways| SignIn::new(ways, MALLORYS_ANSWERS.to_vec()))
    .into()
}

/// The models of sign-in without a password. For a known browser Alice chooses one of three numbers. For an unknown
/// browser the number has three digits. A thief has Alice's phone and sees every number, but can't unlock the sign-in
/// key.
#[must_use]
pub fn without_password() -> Vec<SignIn> {
    let kind = Kind::PhoneSignIn;
    let alices = way(Browser::Alice, ALICE, kind, Origin::KnownBrowser);
    let thief = |uv| Forgery { by: ALICES_PHONE, with_sign_in_key: false, uv, approves: true };
    let mallorys = Forgery { by: MALLORYS_PHONE, with_sign_in_key: true, uv: "biometric", approves: true };
    [vec![(alices, 1), (way(Browser::Mallory, ALICE, kind, Origin::Unknown), 1)], vec![(alices, 2)]]
        .map(|ways| SignIn::new(ways, vec![thief("none"), thief("biometric"), mallorys]))
        .into()
}
