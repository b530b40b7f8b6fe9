//! Applies answers and reports to ceremonies. Each answer or report is processed in one transaction.

use serde::Deserialize;

use crate::app::App;
use crate::audit;
use crate::clock::{DAY, Time};
use crate::devices::device::Device;
use crate::devices::standing::{Standing, may_approve};
use crate::endings::{Ending, end};
use crate::people::person::Person;
use crate::phone_sign_in::rules::UserVerification;
use crate::policy::document::Proximity;
use crate::policy::records::effective_for;
use crate::prompts::acts::{finish, first_time};
use crate::prompts::ceremony::{AnswerResult, AnsweringKey, Ceremony, Outcome};
use crate::prompts::records::Prompt;
use crate::prompts::rules::{self, Decision};
use crate::push::Push;
use crate::secrets::hashed;
use crate::sign_in::records::KnownBrowser;
use crate::store::{StoreError, Tx};

/// Payload of `phone-answer+jwt` (protocol section 7).
#[derive(Deserialize)]
pub struct InnerClaims {
    aud: String,
    /// `jti` of the prompt.
    pub prompt: String,
    /// SHA-256 of the prompt's JWS as the phone received it.
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
    /// Returns the decision. Returns `None` in one of these cases: the answer is for another issuer; it is an approval
    /// without a number, or a denial with one; its `uv` is not possible for the key that signed the answer.
    #[must_use]
    pub fn decision(&self, signed_with: AnsweringKey, issuer: &str) -> Option<Decision> {
        let decision = match (&self.decision, &self.number) {
            (WireDecision::Approve, Some(number)) => Decision::Approve(number.clone()),
            (WireDecision::Deny, None) => Decision::Deny,
            (WireDecision::Approve, None) | (WireDecision::Deny, Some(_)) => return None,
        };
        let accepted = match (signed_with, self.uv) {
            // The device key requires no user verification, so an answer that it signed must not claim one.
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
        // GUARD(uv-by-key): prompt_is_approved_only_by_the_key_it_names
        if !accepted {
            return None;
        }
        // GUARD(answer-issuer): j7_w7_malformed_answers_are_refused
        if self.aud != issuer {
            return None;
        }
        Some(decision)
    }
}

/// A phone's answer with a valid signature. The phone sends the answer inside a signed request. For this reason, it is
/// called the inner answer.
pub struct Answer {
    /// `jti` of the prompt.
    pub prompt: String,
    /// SHA-256 of the prompt's JWS as the phone received it.
    pub prompt_sha256: String,
    /// The person's decision.
    pub decision: Decision,
    /// Thumbprint of the key that signed the answer.
    pub key: String,
    /// SHA-256 of the inner answer's JWS.
    pub fingerprint: String,
    /// Whether the phone received the prompt by push.
    pub by_push: bool,
    /// The network that the phone answered from.
    pub network: String,
}

/// The content of a signed request about a prompt.
pub enum Act {
    /// Approves or denies a prompt.
    Answer(Answer),
    /// Reports the prompt that has this `jti`: "It wasn't me".
    Report(String),
}

/// Two values: the device's standing; and the result of the answer or report with the pushes to send, or `None` if the
/// request was not processed.
pub type Taken = (Standing, Option<(AnswerResult, Vec<Push>)>);

/// Processes an answer or a report, once for each request; `jti` is the request's id. Returns only the device's
/// standing in one of these cases: the message is invalid (`act` is `None`); the device is not active; the request's
/// `jti` was used before; the answer or the report does not fit a prompt of this device. From the standing, a removed
/// phone learns that it was removed.
pub fn take(
    tx: &mut Tx<'_>,
    app: &App,
    device_id: &str,
    jti: &str,
    act: Option<&Act>,
    now: Time,
) -> Result<Taken, StoreError> {
    // The device is read again inside the transaction, because it may have been removed after the signature was
    // verified.
    let device = tx.get::<Device>(device_id)?.ok_or(StoreError::Stopped)?;
    let standing = Standing::of(tx, &device)?;
    let Some(act) = act.filter(|_act| device.is_active()) else {
        return Ok((standing, None));
    };
    // GUARD(request-once-across-services): j7_w7_report_sent_to_two_services_counts_once
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

/// Applies an answer to its ceremony. If the phone sends the same bytes again, it gets the same result. Returns `None`
/// if the answer is invalid.
pub fn answer(
    tx: &mut Tx<'_>,
    app: &App,
    device: &Device,
    answer: &Answer,
    now: Time,
) -> Result<Option<(AnswerResult, Vec<Push>)>, StoreError> {
    let Some(prompt) = tx.get::<Prompt>(&answer.prompt)? else {
        return Ok(None);
    };
    let Some(ceremony) = tx.get::<Ceremony>(&prompt.ceremony)? else {
        return Ok(None);
    };
    // An approval must be signed by the key that the prompt named, which must still be registered. A denial must be
    // signed by the device key, which requires no user verification.
    let key_fits = match &answer.decision {
        Decision::Approve(_) => {
            // GUARD(answering-key): prompt_is_approved_only_by_the_key_it_names, phone_sign_in_models_have_no_fault
            // INSTEAD: true
            prompt.key == answer.key
                // GUARD(replaced-key): answer_by_a_key_replaced_during_processing_is_refused
                && device.key_named(&prompt.key).is_some()
        }
        // GUARD(denial-by-device-key): phone_sign_in_models_have_no_fault
        // INSTEAD: Decision::Deny => prompt.key == answer.key,
        Decision::Deny => answer.key == device.key.thumbprint(),
    };
    // GUARD(answer-by-its-device): second_factor_models_have_no_fault
    // INSTEAD: let fits = true
    let fits = prompt.device_id == device.id
        && key_fits
        // GUARD(answer-signs-what-was-shown): j7_w7_malformed_answers_are_refused
        && hashed(prompt.jws.as_bytes()) == answer.prompt_sha256;
    if !fits {
        return Ok(None);
    }
    if let Some((fingerprint, result)) = &prompt.answer {
        let result = if *fingerprint == answer.fingerprint { *result } else { AnswerResult::AlreadyAnswered };
        return Ok(Some((result, Vec::new())));
    }
    let (outcome, result) = match (&answer.decision, may_approve(tx, &ceremony.account_id, ceremony.kind)?) {
        // GUARD(policy-changed-before-answer): j1_w2_a_policy_change_before_the_answer_prevents_the_sign_in
        // INSTEAD: (Decision::Approve(_), false) if false => (Some(Outcome::Ended), AnswerResult::Cancelled),
        (Decision::Approve(_), false) if ceremony.is_live(now) => (Some(Outcome::Ended), AnswerResult::Cancelled),
        (Decision::Approve(_) | Decision::Deny, _) => {
            let from = must_be_near(tx, &ceremony.account_id)?.then_some(answer.network.as_str());
            rules::decide(&ceremony, &answer.decision, from, now)
        }
    };
    let answered = |prompt: &mut Prompt| prompt.answer = Some((answer.fingerprint.clone(), result));
    tx.update(&prompt.jti, answered)?.granted();
    if answer.by_push && !device.push_seen {
        tx.update::<Device, _>(&device.id, |device| device.push_seen = true)?.granted();
    }
    let pushes = match outcome {
        Some(outcome) => finish(tx, app, &ceremony, outcome, Some(&device.id), now)?,
        None => Vec::new(),
    };
    Ok(Some((result, pushes)))
}

/// Returns whether the policy requires phone and browser to be on the same network.
fn must_be_near(tx: &mut Tx<'_>, account_id: &str) -> Result<bool, StoreError> {
    match tx.get::<Person>(account_id)? {
        Some(person) => Ok(effective_for(tx, &person)?.proximity == Proximity::Require),
        None => Ok(true),
    }
}

/// Applies a report ("It wasn't me"). A report is accepted for one day after the prompt was created. If the ceremony is
/// live, the report ends it. The report also ends the session and the known browser that started the ceremony, and the
/// session and the known browser that an approval of this ceremony gave. Returns `None` if this device has no prompt
/// with this `jti`.
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
    let live = ceremony.is_live(now);
    let ending = Ending::Reported(Box::new(with_browser(tx, ceremony.clone())?));
    // GUARD(report-ends-what-it-gave): second_factor_models_have_no_fault
    let _ended = end(tx, &ceremony.account_id, &ending, now)?;
    let pushes = if live {
        finish(tx, app, &ceremony, Outcome::Reported, Some(&device.id), now)?
    } else {
        tx.update::<Ceremony, _>(&ceremony.id, |ceremony| ceremony.outcome = Some(Outcome::Reported))?.granted();
        Vec::new()
    };
    audit::record(tx, &device.account_id, "reported", jti, now)?;
    Ok(Some((AnswerResult::Reported, pushes)))
}

/// Adds the browser that asked, if it was unknown when it asked and another question of the same sign-in has made it known.
fn with_browser(tx: &mut Tx<'_>, ceremony: Ceremony) -> Result<Ceremony, StoreError> {
    let browsers = tx.children::<KnownBrowser>(&ceremony.account_id)?;
    // GUARD(reported-replaced-question): a_report_of_a_replaced_question_ends_the_browser
    // INSTEAD: let asked = browsers.into_iter().find(|_browser| false);
    let asked = browsers.into_iter().find(|browser| browser.asked_by.as_ref() == Some(&ceremony.owner));
    Ok(Ceremony { known_browser: ceremony.known_browser.or(asked.map(|browser| browser.id)), ..ceremony })
}
