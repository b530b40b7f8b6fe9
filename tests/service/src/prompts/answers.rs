//! What an answer or a report does to a ceremony, in the one transaction that decides it.

use serde::Deserialize;

use crate::app::App;
use crate::audit;
use crate::clock::{DAY, Time};
use crate::devices::device::Device;
use crate::devices::standing::Standing;
use crate::endings::end_reported;
use crate::people::person::Person;
use crate::phone_sign_in::rules::UserVerification;
use crate::policy::document::Proximity;
use crate::policy::records::effective_for;
use crate::prompts::acts::{finish, first_time, may_approve};
use crate::prompts::ceremony::{AnswerResult, AnsweringKey, Ceremony, Outcome};
use crate::prompts::records::Prompt;
use crate::prompts::rules::{self, Decision};
use crate::push::Push;
use crate::secrets::hashed;
use crate::store::{StoreError, Tx};

/// Payload of `phone-answer+jwt` (protocol section 7).
#[derive(Deserialize)]
pub struct InnerClaims {
    aud: String,
    /// Which prompt.
    pub prompt: String,
    /// SHA-256 of the prompt as the phone saw it.
    pub prompt_sha256: String,
    decision: WireDecision,
    number: Option<String>,
    uv: UserVerification,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireDecision {
    Approve,
    Deny,
}

impl InnerClaims {
    /// What was decided, when it was meant for this issuer, is complete, and claims of the person what the key that
    /// signed it can claim.
    #[must_use]
    pub fn decision(&self, signed_with: AnsweringKey, issuer: &str) -> Option<Decision> {
        let decision = match (&self.decision, &self.number) {
            (WireDecision::Approve, Some(number)) => Decision::Approve(number.clone()),
            (WireDecision::Deny, None) => Decision::Deny,
            (WireDecision::Approve, None) | (WireDecision::Deny, Some(_)) => return None,
        };
        let believed = match (signed_with, self.uv) {
            // The device key asks nobody, so no claim of verification is believed from it.
            (AnsweringKey::Device, UserVerification::None) => true,
            (
                AnsweringKey::SignIn,
                UserVerification::Biometric | UserVerification::Credential | UserVerification::Unspecified,
            ) => true,
            (
                AnsweringKey::Device,
                UserVerification::Biometric | UserVerification::Credential | UserVerification::Unspecified,
            )
            | (AnsweringKey::SignIn, UserVerification::None) => false,
        };
        // GUARD(uv-by-key): each_prompt_is_approved_by_its_own_key_and_verified_as_that_key_verifies
        if !believed {
            return None;
        }
        // GUARD(answer-issuer): j7_w7_an_answer_with_one_thing_wrong_decides_nothing
        if self.aud != issuer {
            return None;
        }
        Some(decision)
    }
}

/// An inner answer whose signature was found right.
pub struct Answer {
    /// Which prompt.
    pub prompt: String,
    /// SHA-256 of the prompt as the phone saw it.
    pub prompt_sha256: String,
    /// What the person decided.
    pub decision: Decision,
    /// Thumbprint of the key that signed.
    pub key: String,
    /// SHA-256 of the inner bytes.
    pub fingerprint: String,
    /// Whether the prompt came by push.
    pub by_push: bool,
    /// The network that the phone answers from.
    pub network: String,
}

/// What a signed request does to a ceremony.
pub enum Act {
    /// Decides it.
    Answer(Answer),
    /// "It wasn't me", of this prompt.
    Report(String),
}

/// Where a device stands, and what its answer or report is told with the pushes that go out for it.
pub type Taken = (Standing, Option<(AnswerResult, Vec<Push>)>);

/// Takes a request, once: an answer or a report of a device, unless there is nothing right to do; a phone that is no
/// more is told so, whatever it sent.
pub fn take(
    tx: &mut Tx<'_>,
    app: &App,
    device_id: &str,
    jti: &str,
    act: Option<&Act>,
    now: Time,
) -> Result<Taken, StoreError> {
    // Read again inside the transaction: it may have been removed since the signature was checked.
    let device = tx.get::<Device>(device_id)?.ok_or(StoreError::Stopped)?;
    let standing = Standing::of(tx, &device)?;
    let Some(act) = act.filter(|_act| device.is_active()) else {
        return Ok((standing, None));
    };
    // GUARD(request-once-across-services): j7_w7_one_report_sent_to_two_services_at_once_counts_once
    // INSTEAD: if jti.is_empty() {
    if !first_time(tx, &device, jti, now)? {
        return Ok((standing, None));
    }
    let taken = match act {
        Act::Answer(given) => answer(tx, app, &device, given, now)?,
        Act::Report(prompt) => report(tx, app, &device, prompt, now)?,
    };
    Ok((standing, taken))
}

/// Decides a ceremony by an answer; the same bytes again get the same outcome.
pub fn answer(
    tx: &mut Tx<'_>,
    app: &App,
    device: &Device,
    answer: &Answer,
    now: Time,
) -> Result<Option<(AnswerResult, Vec<Push>)>, StoreError> {
    let Some(mut prompt) = tx.get::<Prompt>(&answer.prompt)? else {
        return Ok(None);
    };
    let Some(ceremony) = tx.get::<Ceremony>(&prompt.ceremony)? else {
        return Ok(None);
    };
    // An approval by the key that the prompt named, which must still be the one registered; a denial by the
    // device key, which never asks anybody.
    let key_fits = match &answer.decision {
        Decision::Approve(_) => {
            // GUARD(answering-key): each_prompt_is_approved_by_its_own_key_and_verified_as_that_key_verifies, signing_in_without_a_password
            // INSTEAD: true
            prompt.key == answer.key
                // GUARD(replaced-key): a_key_that_is_replaced_while_its_answer_is_being_read_answers_nothing
                && device.key_named(&prompt.key).is_some()
        }
        // GUARD(denial-by-device-key): signing_in_without_a_password
        // INSTEAD: Decision::Deny => prompt.key == answer.key,
        Decision::Deny => answer.key == device.key.thumbprint(),
    };
    // GUARD(answer-by-its-device): the_second_factor
    // INSTEAD: let fits = true
    let fits = prompt.device_id == device.id
        && key_fits
        // GUARD(answer-signs-what-was-shown): j7_w7_an_answer_with_one_thing_wrong_decides_nothing
        && hashed(prompt.jws.as_bytes()) == answer.prompt_sha256;
    if !fits {
        return Ok(None);
    }
    if let Some((fingerprint, told)) = &prompt.answer {
        let told = if *fingerprint == answer.fingerprint { *told } else { AnswerResult::AlreadyAnswered };
        return Ok(Some((told, Vec::new())));
    }
    let (outcome, told) = match (&answer.decision, may_approve(tx, &ceremony.account_id, ceremony.kind)?) {
        // GUARD(policy-changed-before-answer): j1_w2_the_policy_changes_between_the_number_and_the_answer
        // INSTEAD: (Decision::Approve(_), false) if false => (Some(Outcome::Ended), AnswerResult::Cancelled),
        (Decision::Approve(_), false) if ceremony.is_live(now) => (Some(Outcome::Ended), AnswerResult::Cancelled),
        (Decision::Approve(_) | Decision::Deny, _) => {
            let from = must_be_near(tx, &ceremony.account_id)?.then_some(answer.network.as_str());
            rules::decide(&ceremony, &answer.decision, from, now)
        }
    };
    prompt.answer = Some((answer.fingerprint.clone(), told));
    tx.put(&prompt)?;
    if answer.by_push && !device.push_seen {
        let mut device = device.clone();
        device.push_seen = true;
        tx.put(&device)?;
    }
    let pushes = match outcome {
        Some(outcome) => finish(tx, app, ceremony, outcome, Some(&device.id), now)?,
        None => Vec::new(),
    };
    Ok(Some((told, pushes)))
}

/// Whether the policy wants phone and browser in the same network.
fn must_be_near(tx: &mut Tx<'_>, account_id: &str) -> Result<bool, StoreError> {
    match tx.get::<Person>(account_id)? {
        Some(person) => Ok(effective_for(tx, &person)?.proximity == Proximity::Require),
        None => Ok(true),
    }
}

/// "It wasn't me": ends a live ceremony, and what an approved one gave.
pub fn report(
    tx: &mut Tx<'_>,
    app: &App,
    device: &Device,
    jti: &str,
    now: Time,
) -> Result<Option<(AnswerResult, Vec<Push>)>, StoreError> {
    let Some(prompt) = tx.get::<Prompt>(jti)?.filter(|prompt| prompt.device_id == device.id) else {
        return Ok(None);
    };
    let Some(ceremony) = tx.get::<Ceremony>(&prompt.ceremony)? else {
        return Ok(None);
    };
    if now - prompt.created_at > DAY {
        return Ok(Some((AnswerResult::Expired, Vec::new())));
    }
    if ceremony.outcome == Some(Outcome::Reported) {
        // Said before: what happened since, a new password for one, is not undone by a repetition.
        return Ok(Some((AnswerResult::Reported, Vec::new())));
    }
    // GUARD(report-ends-what-it-gave): the_second_factor
    end_reported(tx, &ceremony, now)?;
    let live = ceremony.is_live(now);
    let pushes = if live {
        finish(tx, app, ceremony, Outcome::Reported, Some(&device.id), now)?
    } else {
        tx.put(&Ceremony { outcome: Some(Outcome::Reported), ..ceremony })?;
        Vec::new()
    };
    audit::record(tx, &device.account_id, "reported", jti, now)?;
    Ok(Some((AnswerResult::Reported, pushes)))
}
