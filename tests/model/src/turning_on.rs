//! Turning phone sign-in on: from a pushed request over the browser to a registered sign-in key.
//!
//! Mallory has a phone and a browser of his own, knows Alice's password, leads her browser to any request, reads every
//! redirect, code, token, nonce and verifier, and hands her phone any of them. What he can't do is sign with her keys,
//! use her browser's cookie, or have her type a number that her own page does not show.

mod browser;
mod phone;

use std::collections::{BTreeMap, BTreeSet};

use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::jose::Jwk;
use countersign_service::phone_sign_in::acts::{self, REQUEST_URI};
use countersign_service::prompts::records::Prompt;
use countersign_service::secrets::hashed;
use stateright::{Model, Property};

use crate::answers::{Said, Sides};
use crate::faults::{Fault, always};
use crate::rows::Rows;
use crate::world::{ALICE, HERS, HIS, MALLORY, START, add_phones, people, service, sign_in_key};

/// Before and after the end of a code, and of a nonce.
const TIMES: [Time; 3] = [0, 61, 400];
const HER_FIRST: Request = Request { phone: HERS, nth: 0 };
const HER_SECOND: Request = Request { phone: HERS, nth: 1 };
const HIS_FIRST: Request = Request { phone: HIS, nth: 0 };
const HIS_SECOND: Request = Request { phone: HIS, nth: 1 };

/// A request that a phone has pushed: whose, and which of the two.
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
        format!("http://127.0.0.1:{}/phone-sign-in", if self.phone == HERS { 7001 } else { 7002 })
    }
}

/// Which of the two browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Browser {
    /// Alice's.
    Hers,
    /// Mallory's.
    His,
}

const BROWSERS: [Browser; 2] = [Browser::Hers, Browser::His];

/// A token with its nonce, by the code that it was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The code's request.
    of: Request,
    /// The phone that redeemed it.
    by: &'static str,
}

impl Token {
    fn text(self, what: &str) -> String {
        format!("{what} of {} by {}", self.of.name(), self.by)
    }
}

/// What Mallory's phone hands in to register a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    token: Token,
    nonce_of: Token,
    /// A key of his own, or else the proof that her phone has made is sent again.
    key: &'static str,
    uv: &'static str,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// A phone pushes a request in the name of a phone.
    Push(&'static str, &'static str),
    /// A browser goes to a request.
    Go(Browser, Request),
    /// The password of an account is typed, and what comes next is done.
    Prove(Browser, &'static str),
    /// Alice answers a prompt with the number of her page, or no.
    Answer(String, bool),
    /// The network brings an answer.
    Deliver(usize),
    /// A browser wants to go on with a ceremony's approval.
    GoOn(Browser, String),
    /// A browser agrees, and is sent back to the phone.
    Agree(Browser),
    /// Her phone gets a redirect: this code, the state of that request, the answer of that service.
    Back(Request, Request, &'static str),
    /// A phone redeems a code, with the verifier of a request.
    Redeem(&'static str, Request, Request),
    /// Her phone registers its key with a token.
    TurnOn(Token),
    /// Mallory's phone tries to.
    Claim(Claim),
    /// Time passes.
    Wait,
}

/// Everything there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    rows: Rows,
    tick: usize,
    pushed: BTreeSet<Request>,
    page: Option<String>,
    ceremonies: usize,
    said: BTreeSet<Said>,
    codes: BTreeSet<Request>,
    /// What her phone has taken from a redirect.
    took: BTreeSet<Request>,
    tokens: BTreeSet<Token>,
    proved: BTreeSet<Token>,
    registered: BTreeMap<String, u8>,
    spent: BTreeMap<Token, u8>,
    faults: BTreeSet<Fault>,
}

/// Which half of the way a model looks at: each ends where the other begins, at the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// From the pushed request to the code.
    Browser,
    /// From the codes, each rightly come by, to the registered key.
    Phone,
}

/// The model.
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
            took: BTreeSet::new(),
            tokens: BTreeSet::new(),
            proved: BTreeSet::new(),
            registered: BTreeMap::new(),
            spent: BTreeMap::new(),
            faults: BTreeSet::new(),
        };
        Self { sides: Sides::new(service()), begin, half }
    }

    /// The first half.
    #[must_use]
    pub fn in_the_browser() -> Self {
        Self::new(Half::Browser)
    }

    /// The second half: with two codes of hers and one of his, and with two of his.
    #[must_use]
    pub fn at_the_phone() -> Vec<Self> {
        let codes = [vec![HER_FIRST, HER_SECOND, HIS_FIRST], vec![HIS_FIRST, HIS_SECOND]];
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
        let uri = format!("{REQUEST_URI}{}", request.name());
        let code = state.rows.run(|tx| {
            let registration = acts::take(tx, &uri, START)?.expect("it was pushed");
            acts::issue_code(tx, registration, account(request.phone), START)
        });
        rename_secret(&mut state.rows, &code, &request.name());
        state.codes.insert(request);
    }
}

fn cookie(browser: Browser) -> String {
    format!("{browser:?}")
}

fn account(phone: &str) -> &'static str {
    if phone == HERS { ALICE } else { MALLORY }
}

fn rename_secret(rows: &mut Rows, by_chance: &str, name: &str) {
    rows.rename(&hashed(by_chance.as_bytes()), &hashed(name.as_bytes()));
}

impl TurningOn {
    fn judge(&self, state: &mut State) {
        let now = START + TIMES[state.tick];
        let prompts: Vec<Prompt> = state.rows.all();
        let (hers, his): (Device, Device) = (state.rows.one(HERS), state.rows.one(HIS));
        let held = |device: &Device| device.sign_in.as_ref().map(|sign_in| sign_in.key.clone());
        if held(&hers).is_some_and(|key: Jwk| key != sign_in_key(HERS)) {
            state.faults.insert(Fault::KeyOfNobody);
        }
        if held(&his).is_some_and(|key: Jwk| key == sign_in_key(HERS)) {
            state.faults.insert(Fault::KeyOfNobody);
        }
        if state.registered.values().any(|count| *count > 1) || state.spent.values().any(|count| *count > 1) {
            state.faults.insert(Fault::CountedTwice);
        }
        if !prompts.iter().all(|prompt| self.sides.may_deny(&state.rows, prompt, now)) {
            state.faults.insert(Fault::NoWayToSayNo);
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
                self.sides.bring(&mut state.rows, HERS, &said.key, &said.inner, now);
            }
            Event::GoOn(browser, ceremony) => self.go_on(&mut state, browser, ceremony, now),
            Event::Agree(browser) => self.agree(&mut state, browser, now),
            Event::Back(code, answers, issuer) => self.back(&mut state, code, answers, issuer),
            Event::Redeem(phone, code, verifier) => self.redeem(&mut state, phone, code, verifier, now),
            Event::TurnOn(token) => {
                state.proved.insert(token);
                let claim = Claim { token, nonce_of: token, key: HERS, uv: "biometric" };
                self.register(&mut state, HERS, claim, now);
            }
            Event::Claim(claim) => self.register(&mut state, HIS, claim, now),
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
            KeyOfNobody,
            TokenForAnother,
            TookAForeignAnswer,
            StartedForAnother,
            CountedTwice,
            DecidedTooLate,
            SignedInWithoutHerPhone,
            NoWayToSayNo
        );
        all.push(Property::sometimes(
            "Alice can go on to the other half, or to the end",
            |model: &Self, state: &State| match model.half {
                Half::Browser => state.codes.contains(&HER_FIRST),
                Half::Phone => state.rows.all::<Device>().iter().any(|device| device.sign_in.is_some()),
            },
        ));
        all
    }
}
