//! Models the first half of turning phone sign-in on: a phone sends a pushed authorization request, a browser opens
//! this request, and the service issues an authorization code.

use std::collections::HashMap;

use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::phone_sign_in::acts::{self, REQUEST_URI};
use countersign_service::phone_sign_in::registration::{Purpose, Registration};
use countersign_service::phone_sign_in::routes::{Proved, keep};
use countersign_service::phone_sign_in::rules::{self, CLIENT_ID, TURN_ON_SCOPE};
use countersign_service::prompts::ceremony::{Ceremony, Kind, Origin, Owner};
use countersign_service::prompts::records::Prompt;
use countersign_service::provenance::Given;
use countersign_service::secrets::hashed;
use countersign_service::sign_in::acts::Next;
use countersign_service::sign_in::acts::what_next;
use countersign_service::sign_in::attempt::{Attempt, Proven};
use countersign_service::sign_in::consent::{Agreed, agree, may_agree};
use countersign_service::sign_in::second_factor::asked_of;

use super::{BROWSERS, Browser, Event, Request, State, TIMES, TurningOn, account, cookie, rename_secret};
use crate::answers::{Said, Start, has_said};
use crate::faults::Fault;
use crate::world::{ALICE, ALICES_PHONE, MALLORY, MALLORYS_PHONE, START, device_key};

impl TurningOn {
    pub(super) fn push(&self, state: &mut State, phone: &'static str, named: &'static str, now: Time) {
        let request = Request { phone, nth: state.pushed.iter().filter(|request| request.phone == phone).count() };
        let challenge = hashed(request.verifier().as_bytes());
        let (jkt, uri, oauth_state) = (device_key(named).thumbprint(), request.redirect_uri(), request.state());
        let fields = [
            ("client_id", CLIENT_ID),
            ("redirect_uri", &uri),
            ("response_type", "code"),
            ("scope", TURN_ON_SCOPE),
            ("state", &oauth_state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("dpop_jkt", &jkt),
            ("prompt", "login"),
        ];
        let fields: HashMap<String, String> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let pushed = rules::read(&fields, &[]).expect("the service refused the form");
        let proved = Proved { jkt: device_key(phone).thumbprint(), jti: String::new() };
        let kept = state.rows.run(|tx| keep(tx, &proved, &pushed, now));
        if let Some(name) = kept.as_deref().and_then(|uri| uri.strip_prefix(REQUEST_URI)) {
            rename_secret(&mut state.rows, name, &request.name());
            state.pushed.insert(request);
            if phone != named {
                state.faults.insert(Fault::StartedForAnother);
            }
        }
    }

    /// A browser opens a request, as it does at the service's authorization endpoint.
    pub(super) fn go(&self, state: &mut State, browser: Browser, request: Request, now: Time) {
        let uri = format!("{REQUEST_URI}{}", request.name());
        state.rows.run(|tx| {
            if let Some(registration) = acts::take(tx, &uri, now)? {
                let attempt = Attempt { registration: Some(registration), ..Attempt::new(cookie(browser), now) };
                tx.insert_or_update(&attempt, |stored| *stored = attempt.clone())?;
            }
            Ok(())
        });
    }

    pub(super) fn prove(&self, state: &mut State, browser: Browser, who: &'static str, now: Time) {
        let Some(attempt) = state.rows.maybe::<Attempt>(&cookie(browser)) else { return };
        let proven = Proven { account_id: who.to_owned(), given: Given::by_password(START, now) };
        let purpose = attempt.registration.as_ref().map(|registration| registration.purpose.clone());
        let next = state.rows.run(|tx| what_next(tx, &proven, purpose.as_ref()));
        if !matches!(next, Next::Number) {
            return;
        }
        let of_another = |device: &String| state.rows.one::<Device>(device).account_id != who;
        if matches!(&purpose, Some(Purpose::TurnOn { device_id }) if of_another(device_id)) {
            state.faults.insert(Fault::StartedForAnother);
        }
        state.ceremonies += 1;
        let name = format!("t{}", state.ceremonies);
        let (kind, only) = asked_of(purpose.as_ref());
        let start = Start {
            name: &name,
            account: who,
            owner: Owner::Attempt(cookie(browser)),
            kind,
            origin: Origin::PasswordProved,
            proven: Some(proven.clone()),
            change: None,
            only,
            number: None,
        };
        let ceremony = self.sides.start(&mut state.rows, start, now).then_some(name);
        if browser == Browser::Alice {
            state.page.clone_from(&ceremony);
        }
        let proved = |stored: &mut Attempt| (stored.proven, stored.ceremony) = (Some(proven), ceremony);
        state.rows.run(|tx| tx.update(&attempt.id, proved)).granted();
    }

    /// The person agrees on the consent page of a browser that waits for this ceremony.
    pub(super) fn agree(&self, state: &mut State, browser: Browser, ceremony: &str, now: Time) {
        let (id, found, prompts) = (cookie(browser), state.rows.one::<Ceremony>(ceremony), state.rows.all::<Prompt>());
        let waits = |attempt: &mut Attempt| attempt.ceremony = Some(ceremony.to_owned());
        if state.rows.run(|tx| tx.update(&id, waits)).granted().is_none() {
            return;
        }
        let approved = has_said(&state.said, &prompts, ceremony, |said| said.number.as_ref() == Some(&found.number));
        let shown = state.rows.run(|tx| may_agree(tx, &id, now));
        if shown.is_some() && found.account_id == ALICE && !(approved && browser == Browser::Alice) {
            state.faults.insert(Fault::SignedInWithoutAlicesPhone);
        }
        let attempt: Attempt = state.rows.one(&id);
        let agreed = state.rows.run(|tx| agree(tx, &id, "", now));
        let (Agreed::Code(code), Some(registration)) = (agreed, attempt.registration) else { return };
        let of = state.pushed.iter().find(|request| hashed(request.name().as_bytes()) == registration.id).copied();
        let of = of.expect("the agreed request was not pushed");
        rename_secret(&mut state.rows, &code, &of.name());
        state.codes.insert(of);
        if !state.agreed.insert(ceremony.to_owned()) {
            state.faults.insert(Fault::UsedTwice);
        }
        if attempt.proven.is_some_and(|proven| account(of.phone) != proven.account_id) {
            state.faults.insert(Fault::StartedForAnother);
        }
        if of.phone == ALICES_PHONE && !self.has_approved(state) {
            state.faults.insert(Fault::KeyWithoutItsApproval);
        }
    }

    pub(super) fn browser_actions(&self, state: &State, actions: &mut Vec<Event>) {
        let now = START + TIMES[state.tick];
        if state.pushed.len() < 2 {
            actions.extend([
                Event::Push(ALICES_PHONE, ALICES_PHONE),
                Event::Push(MALLORYS_PHONE, MALLORYS_PHONE),
                Event::Push(MALLORYS_PHONE, ALICES_PHONE),
            ]);
        }
        let waiting: Vec<Registration> = state.rows.all();
        for request in &state.pushed {
            if waiting.iter().any(|one| one.id == hashed(request.name().as_bytes())) {
                actions.extend(BROWSERS.map(|browser| Event::Go(browser, *request)));
            }
        }
        if state.ceremonies < 2 {
            let who = [(Browser::Alice, ALICE), (Browser::Mallory, ALICE), (Browser::Mallory, MALLORY)];
            actions.extend(who.map(|(browser, account)| Event::Prove(browser, account)));
        }
        for prompt in state.rows.all::<Prompt>() {
            let unsaid = !state.said.iter().any(|said| said.prompt == prompt.jti);
            if unsaid && self.sides.shown(&prompt, now).is_some() {
                actions.extend([true, false].map(|approves| Event::Answer(prompt.jti.clone(), approves)));
            }
        }
        actions.extend((0..state.said.len()).map(Event::Deliver));
        for ceremony in state.rows.all::<Ceremony>() {
            actions.extend(BROWSERS.map(|browser| Event::Agree(browser, ceremony.id.clone())));
        }
    }

    /// Whether Alice has approved registering the phone, with the right number.
    fn has_approved(&self, state: &State) -> bool {
        let prompts: Vec<Prompt> = state.rows.all();
        state.rows.all::<Ceremony>().iter().any(|one| {
            let right = |said: &Said| said.number.as_ref() == Some(&one.number);
            let asked = one.kind == Kind::RegisterDevice && one.account_id == ALICE;
            asked && has_said(&state.said, &prompts, &one.id, right)
        })
    }
}
