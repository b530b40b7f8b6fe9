//! The steps of signing in: typing a secret, asking a phone, and getting a session.

use countersign_service::clock::Time;
use countersign_service::effects::known_browser::Cookies;
use countersign_service::effects::sign_in::{self, by_approval, by_secret};
use countersign_service::passes::acts::take as take_pass;
use countersign_service::people::person::Person;
use countersign_service::prompts::answers::{Act as Answered, take};
use countersign_service::prompts::ceremony::{AnswerResult, AnsweringKey, Ceremony, Origin};
use countersign_service::prompts::records::Prompt;
use countersign_service::provenance::Given;
use countersign_service::secrets::hashed;
use countersign_service::sign_in::attempt::{Attempt, Proven};
use countersign_service::sign_in::second_factor::asked_of;
use countersign_service::sign_in::session::Session;

use super::Scene;
use crate::answers::Start;
use crate::steps::{Browser, Phone, Secret, State, is_asked_by_alice};
use crate::world::{ALICE, ISSUER, START};

impl Scene {
    /// Types a secret of Alice's account, as the service's pages take it: a suspended person proves nothing, and a
    /// password that must be changed proves only that.
    pub(super) fn type_secret(&self, state: &mut State, browser: Browser, secret: Secret, now: Time) -> Option<()> {
        let person = state.rows.maybe::<Person>(ALICE).filter(|person| !person.suspended)?;
        let given = match secret {
            Secret::Password if browser == Browser::Mallory && !is_known_to_mallory(&person) => return None,
            Secret::Password => Given::by_password(person.password_changed_at, now),
            Secret::Pass => {
                let text = state.ledger.pass_of(browser == Browser::Mallory)?;
                let (_worth, given) = state.rows.run(|tx| take_pass(tx, ALICE, &text, now));
                given?
            }
        };
        let must_change = person.must_change_password && secret == Secret::Password;
        let proof = Proven { account_id: ALICE.to_owned(), given };
        let (proven, must_change) = if must_change { (None, Some(proof)) } else { (Some(proof), None) };
        let fresh = Attempt::new(browser.attempt(), now);
        state
            .rows
            .run(|tx| {
                tx.insert_if_new(&fresh)?;
                let proves = |attempt: &mut Attempt| {
                    (attempt.proven, attempt.must_change, attempt.ceremony) = (proven, must_change, None);
                };
                tx.update::<Attempt, _>(&fresh.id, proves)
            })
            .granted()
    }

    /// Asks Alice's phones about the attempt of a browser.
    pub(super) fn ask(&self, state: &mut State, browser: Browser, now: Time) -> Option<()> {
        let attempt = state.rows.maybe::<Attempt>(&browser.attempt())?;
        let proven = attempt.proven.clone()?;
        let (kind, only) = asked_of(attempt.registration.as_ref().map(|one| &one.purpose));
        let name = browser.next_ceremony(&state.rows);
        let start = Start {
            name: &name,
            account: &proven.account_id,
            owner: attempt.owner(),
            kind,
            origin: Origin::PasswordProved,
            proven: Some(proven.clone()),
            change: None,
            only,
            number: None,
        };
        self.sides.start(&mut state.rows, start, now).then_some(())?;
        let waits = |attempt: &mut Attempt| attempt.ceremony = Some(name.clone());
        state.rows.run(|tx| tx.update(&attempt.id, waits)).granted()
    }

    pub(super) fn first_session(state: &mut State, browser: Browser, now: Time) -> Option<()> {
        Self::start_session(state, browser, now, true)
    }

    pub(super) fn sign_in(state: &mut State, browser: Browser, now: Time) -> Option<()> {
        Self::start_session(state, browser, now, false)
    }

    fn start_session(state: &mut State, browser: Browser, now: Time, by_secret_alone: bool) -> Option<()> {
        let (session, cookie) = (browser.session(), browser.cookie());
        let older = state.rows.maybe::<Session>(&session).map(|session| session.id);
        state.rows.run(|tx| {
            let proof = match by_secret_alone {
                true => by_secret(tx, &browser.attempt(), now)?,
                false => by_approval(tx, &browser.attempt(), now)?,
            };
            let Some(proof) = proof else { return Ok(None) };
            let cookies = Some(Cookies { own: Some(cookie.clone()), fresh: format!("new {cookie}") });
            let browser = sign_in::Browser { session_id: &session, cookies, older: older.as_deref() };
            sign_in::act(tx, proof, browser, now).map(|_session| Some(()))
        })
    }

    /// A phone approves a ceremony with its number.
    pub(super) fn approve(&self, state: &mut State, phone: Phone, ceremony: &str, now: Time) -> Option<()> {
        let (found, prompt) = (state.rows.one::<Ceremony>(ceremony), prompt_of(state, phone, ceremony)?);
        let uv = if prompt.answered_with == AnsweringKey::Device { "none" } else { "biometric" };
        let inner = serde_json::json!({
            "aud": ISSUER, "prompt": prompt.jti, "prompt_sha256": hashed(prompt.jws.as_bytes()), "uv": uv,
            "decision": "approve", "number": found.number,
        });
        let told = self.sides.bring(&mut state.rows, &prompt.device_id, &prompt.key, &inner.to_string(), now);
        if told == Some(AnswerResult::Approved) {
            state.mistakes += u8::from(!phone.is_mallorys() && !is_asked_by_alice(&found));
            state.ledger.approve(ceremony, &prompt.device_id);
        }
        Some(())
    }

    /// A phone reports a ceremony.
    pub(super) fn report(&self, state: &mut State, phone: Phone, ceremony: &str, now: Time) -> Option<()> {
        let prompt = prompt_of(state, phone, ceremony)?;
        let (device, report) = (prompt.device_id, Answered::Report(prompt.jti));
        state.rows.run(|tx| take(tx, &self.sides.app, &device, "", Some(&report), now)).1.map(|_told| ())
    }
}

/// Mallory has learned the first password, and each password that the operator sets.
fn is_known_to_mallory(person: &Person) -> bool {
    person.password_changed_at == START || person.must_change_password
}

fn prompt_of(state: &State, phone: Phone, ceremony: &str) -> Option<Prompt> {
    let mut prompts = state.rows.all::<Prompt>().into_iter();
    prompts.find(|prompt| prompt.ceremony == ceremony && Phone::of(&prompt.device_id) == Some(phone))
}
