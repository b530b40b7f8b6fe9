//! Models turning phone sign-in on. Turning on begins with a pushed authorization request, continues in the browser,
//! and ends with a registered sign-in key.
//!
//! Mallory has a phone and a browser, knows Alice's password, and can make Alice's browser open any pushed request.
//! Mallory knows every redirect, authorization code, token, nonce and PKCE verifier, and can send Alice's phone a
//! redirect with any of the codes. Mallory can't sign with Alice's keys, can't use Alice's browser cookie, and can't
//! make Alice type a number that Alice's own page does not show.
//!
//! In this module, "request" means a pushed authorization request, and "code" an authorization code.

mod browser;
mod phone;

use std::collections::{BTreeMap, BTreeSet};

use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::jose::Jwk;
use countersign_service::phone_sign_in::acts::{self, REQUEST_URI};
use countersign_service::phone_sign_in::registration::RegistrationCode;
use countersign_service::phone_sign_in::rules::CODE_LIFE;
use countersign_service::prompts::records::Prompt;
use countersign_service::secrets::hashed;
use stateright::{Model, Property};

use crate::answers::{Said, Sides};
use crate::faults::{Fault, always};
use crate::rows::Rows;
use crate::world::{
    ALICE, ALICES_PHONE, MALLORY, MALLORYS_PHONE, START, add_phones, by_approval, people, service, sign_in_key,
};

/// The moments of the model, in seconds: before and after a code expires, and after a nonce expires.
const TIMES: [Time; 3] = [0, 61, 400];
const ALICES_FIRST: Request = Request { phone: ALICES_PHONE, nth: 0 };
const ALICES_SECOND: Request = Request { phone: ALICES_PHONE, nth: 1 };
const MALLORYS_FIRST: Request = Request { phone: MALLORYS_PHONE, nth: 0 };
const MALLORYS_SECOND: Request = Request { phone: MALLORYS_PHONE, nth: 1 };

/// A request, identified by the phone that sent it and by its number on this phone (from 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    phone: &'static str,
    nth: usize,
}

impl Request {
    fn name(self) -> String {
        format!("request {} of {}", self.nth, self.phone)
    }

    fn state(self) -> String {
        format!("state-{}-{:_<22}", self.nth, self.phone)
    }

    fn verifier(self) -> String {
        format!("verifier-{}-{:_<43}", self.nth, self.phone)
    }

    fn redirect_uri(self) -> String {
        format!("http://127.0.0.1:{}/phone-sign-in", if self.phone == ALICES_PHONE { 7001 } else { 7002 })
    }
}

/// A browser, named after the person who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Browser {
    /// Alice's browser.
    Alice,
    /// Mallory's browser.
    Mallory,
}

const BROWSERS: [Browser; 2] = [Browser::Alice, Browser::Mallory];

/// A token with its nonce, identified by its code and by the phone that redeemed the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The request for which the code was issued.
    of: Request,
    /// The phone that redeemed the code.
    by: &'static str,
}

impl Token {
    fn text(self, what: &str) -> String {
        format!("{what} of {} by {}", self.of.name(), self.by)
    }
}

/// The token and the signed proof that a phone submits to register a sign-in key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    token: Token,
    nonce_of: Token,
    /// The name of the key: one of Mallory's keys, or the name of Alice's phone. The name of Alice's phone means the
    /// proof that Alice's sign-in key has signed. Mallory can only resend this proof.
    key: &'static str,
    uv: &'static str,
}

/// A step of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// The first phone sends a request that names the second phone's device key.
    Push(&'static str, &'static str),
    /// A browser opens a request.
    Go(Browser, Request),
    /// The password of an account is typed in a browser, and the service starts a ceremony.
    Prove(Browser, &'static str),
    /// Alice answers a prompt: approves with the number of Alice's own page (true), or denies (false).
    Answer(String, bool),
    /// The network delivers an answer (its index).
    Deliver(usize),
    /// The person agrees in a browser that waits for this ceremony to register the phone. The service issues a code.
    Agree(Browser, String),
    /// Alice's phone gets a redirect with the code of the first request, the `state` of the second request, and this
    /// issuer.
    Back(Request, Request, &'static str),
    /// A phone redeems the code of the first request, with the PKCE verifier of the second request.
    Redeem(&'static str, Request, Request),
    /// Alice's phone registers its key with a token.
    TurnOn(Token),
    /// Mallory's phone tries to register a key.
    Claim(Claim),
    /// Time advances to the next moment of `TIMES`.
    Wait,
}

/// A state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    rows: Rows,
    tick: usize,
    pushed: BTreeSet<Request>,
    page: Option<String>,
    ceremonies: usize,
    said: BTreeSet<Said>,
    codes: BTreeSet<Request>,
    /// The ceremonies whose approval has given a code.
    agreed: BTreeSet<String>,
    /// The codes that Alice's phone has accepted from a redirect.
    took: BTreeSet<Request>,
    tokens: BTreeSet<Token>,
    proved: BTreeSet<Token>,
    registered: BTreeMap<String, u8>,
    spent: BTreeMap<Token, u8>,
    faults: BTreeSet<Fault>,
}

/// The half of turning on that a model covers. The first half ends with a code, and the second half begins with codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// From the pushed request to the code.
    Browser,
    /// From codes that the service has issued to the registered key.
    Phone,
}

/// The model of turning phone sign-in on.
pub struct TurningOn {
    sides: Sides,
    begin: State,
    half: Half,
}

impl TurningOn {
    fn new(half: Half) -> Self {
        let mut rows = people();
        add_phones(&mut rows, false);
        let begin = State {
            rows,
            tick: 0,
            pushed: BTreeSet::new(),
            page: None,
            ceremonies: 0,
            said: BTreeSet::new(),
            codes: BTreeSet::new(),
            agreed: BTreeSet::new(),
            took: BTreeSet::new(),
            tokens: BTreeSet::new(),
            proved: BTreeSet::new(),
            registered: BTreeMap::new(),
            spent: BTreeMap::new(),
            faults: BTreeSet::new(),
        };
        Self { sides: Sides::new(service()), begin, half }
    }

    /// Returns the model of the first half: from the pushed request to the code.
    #[must_use]
    pub fn in_the_browser() -> Self {
        Self::new(Half::Browser)
    }

    /// Returns the two models of the second half. The first model has two codes of Alice and one code of Mallory. The
    /// second model has two codes of Mallory.
    #[must_use]
    pub fn at_the_phone() -> Vec<Self> {
        let codes = [vec![ALICES_FIRST, ALICES_SECOND, MALLORYS_FIRST], vec![MALLORYS_FIRST, MALLORYS_SECOND]];
        codes
            .map(|codes| {
                let mut model = Self::new(Half::Phone);
                let mut begin = model.begin.clone();
                codes.into_iter().for_each(|request| model.with_code(&mut begin, request));
                model.begin = begin;
                model
            })
            .into()
    }

    fn with_code(&self, state: &mut State, request: Request) {
        self.push(state, request.phone, request.phone, START);
        let (uri, name) = (format!("{REQUEST_URI}{}", request.name()), request.name());
        state.rows.run(|tx| {
            let registration = acts::take(tx, &uri, START)?.expect("the pushed request is not stored");
            let given = by_approval(&format!("approval of {name}"));
            let (id, expires_at) = (hashed(name.as_bytes()), START + CODE_LIFE);
            tx.insert(&RegistrationCode { id, registration, expires_at, token: None, given })
        });
        state.codes.insert(request);
    }
}

fn cookie(browser: Browser) -> String {
    format!("{browser:?}")
}

fn account(phone: &str) -> &'static str {
    if phone == ALICES_PHONE { ALICE } else { MALLORY }
}

fn rename_secret(rows: &mut Rows, by_chance: &str, name: &str) {
    rows.rename(&hashed(by_chance.as_bytes()), &hashed(name.as_bytes()));
}

impl TurningOn {
    fn judge(&self, state: &mut State) {
        let now = START + TIMES[state.tick];
        let prompts: Vec<Prompt> = state.rows.all();
        let (alices, mallorys): (Device, Device) = (state.rows.one(ALICES_PHONE), state.rows.one(MALLORYS_PHONE));
        let held = |device: &Device| device.sign_in.as_ref().map(|sign_in| sign_in.key.clone());
        if held(&alices).is_some_and(|key: Jwk| key != sign_in_key(ALICES_PHONE)) {
            state.faults.insert(Fault::UnverifiedKey);
        }
        if held(&mallorys).is_some_and(|key: Jwk| key == sign_in_key(ALICES_PHONE)) {
            state.faults.insert(Fault::UnverifiedKey);
        }
        if state.registered.values().any(|count| *count > 1) || state.spent.values().any(|count| *count > 1) {
            state.faults.insert(Fault::UsedTwice);
        }
        if !prompts.iter().all(|prompt| self.sides.may_deny(&state.rows, prompt, now)) {
            state.faults.insert(Fault::CannotDeny);
        }
    }
}

impl Model for TurningOn {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        vec![self.begin.clone()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Event>) {
        if !state.faults.is_empty() {
            return;
        }
        match self.half {
            Half::Browser => self.browser_actions(state, actions),
            Half::Phone => self.phone_actions(state, actions),
        }
    }

    fn next_state(&self, last: &State, action: Event) -> Option<State> {
        let (mut state, now) = (last.clone(), START + TIMES[last.tick]);
        match action {
            Event::Push(phone, named) => self.push(&mut state, phone, named, now),
            Event::Go(browser, request) => self.go(&mut state, browser, request, now),
            Event::Prove(browser, who) => self.prove(&mut state, browser, who, now),
            Event::Answer(jti, approves) => {
                let page = if approves { Some(state.page.clone()?) } else { None };
                self.sides.says(&state.rows, &mut state.said, &jti, page.as_deref(), now);
            }
            Event::Deliver(said) => {
                let said = state.said.iter().nth(said).cloned()?;
                self.sides.bring(&mut state.rows, ALICES_PHONE, &said.key, &said.inner, now);
            }
            Event::Agree(browser, ceremony) => self.agree(&mut state, browser, &ceremony, now),
            Event::Back(code, answers, issuer) => self.back(&mut state, code, answers, issuer),
            Event::Redeem(phone, code, verifier) => self.redeem(&mut state, phone, code, verifier, now),
            Event::TurnOn(token) => {
                state.proved.insert(token);
                let claim = Claim { token, nonce_of: token, key: ALICES_PHONE, uv: "biometric" };
                self.register(&mut state, ALICES_PHONE, claim, now);
            }
            Event::Claim(claim) => self.register(&mut state, MALLORYS_PHONE, claim, now),
            Event::Wait => state.tick += 1,
        }
        if state == *last {
            return None;
        }
        self.judge(&mut state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = always!(
            KeyWithoutItsApproval,
            UnverifiedKey,
            TokenForAnother,
            AcceptedForeignAnswer,
            StartedForAnother,
            UsedTwice,
            DecidedTooLate,
            SignedInWithoutAlicesPhone,
            CannotDeny
        );
        all.push(Property::sometimes("this half can be finished", |model: &Self, state: &State| match model.half {
            Half::Browser => state.codes.contains(&ALICES_FIRST),
            Half::Phone => state.rows.all::<Device>().iter().any(|device| device.sign_in.is_some()),
        }));
        all
    }
}
