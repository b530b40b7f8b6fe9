//! Answers and reports prompts. An answer is signed once, stored before the first attempt, and retried until the
//! service acknowledges it, for at most a day.
//!
//! ```text
//! open ──approve──▶ (user verification) ───▶┐
//! open ──approve, deny, report──────────────▶ answering ──signed outcome──▶ done
//!   │                                             └── a day without outcome ──▶ done (expired)
//!   └── withdrawn, or no longer listed ──▶ (deleted)
//! ```

use ring::digest::{SHA256, digest};

use crate::authenticator::acts::upkeep::outbox;
use crate::authenticator::acts::upkeep::standing;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::ports::check_own_signature;
use crate::authenticator::records::account::{AccountRecord, SignInKey, StoredState, Trouble};
use crate::authenticator::records::outbox_entry::Entry;
use crate::authenticator::records::unlocking::Waiting;
use crate::authenticator::step::{Purpose, Reply, SignedForm, Step};
use crate::authenticator::store::prompts::PromptRecord;
use crate::base::clock::Timestamp;
use crate::base::digits;
use crate::base::jose;
use crate::base::jose::{HeaderKey, base64url};
use crate::base::points::Point;
use crate::protocol::messages::{Decision, InnerAnswer, Message, UserVerification};
use crate::values::issuer::Issuer;
use crate::values::origin::Origin;
use crate::values::platform::PlatformError;
use crate::values::prompt::{Outcome, PromptId, PromptState};
use crate::values::ticket::Ticket;

/// How long a report is retried, in seconds. The service accepts a report within 24 hours of the prompt.
const REPORTABLE: u64 = 24 * 60 * 60;
const ANSWER_TYP: &str = "phone-answer+jwt";

/// Approves a prompt with the number that the person read on the page, in the digits of any script. If the prompt
/// requires the sign-in key, returns the step for user verification.
///
/// # Errors
/// `NumberForm`, `PromptExpired`, `AlreadyAnswered`, `UnknownPrompt`, `PhoneSignInOff`, `Removed`: this call stored and
/// sent nothing. Others as `send_now`.
pub(crate) async fn approve(core: &Core, id: PromptId, number: String) -> Result<Step, Error> {
    let (account, prompt) = load(core, &id).await?;
    let shown = prompt.shown(&account.audience())?;
    let number = digits::to_ascii(&number);
    if !shown.matching().fits(&number) {
        return Err(Error::NumberForm);
    }
    if shown.needs_unlock() {
        return ask_for_unlock(core, &account, &prompt, number).await;
    }
    decide(core, account, prompt, Some(number)).await
}

/// Returns the step in which the person unlocks the sign-in key. The signed bytes contain the number, so the person
/// enters the number before this step.
async fn ask_for_unlock(
    core: &Core,
    account: &AccountRecord,
    prompt: &PromptRecord,
    number: String,
) -> Result<Step, Error> {
    check_open(prompt.state, prompt.expires_at, core.ports.clock.now())?;
    let sign_in = account.sign_in.as_ref().ok_or(Error::PhoneSignInOff)?;
    let host = account.issuer.host().to_owned();
    if !core.lock().await?.guards(sign_in.guard) {
        return Ok(Step::MissingLock { host, needs: sign_in.guard });
    }
    let forms = approval_forms(account, sign_in, prompt, &number)?;
    let id = prompt.id.clone();
    let until = prompt.expires_at;
    let ticket = core.unlocking.add(Waiting { id: id.clone(), number, until }, core.ports.clock.now())?;
    Ok(Step::Sign {
        ticket,
        host,
        alias: sign_in.alias.clone(),
        purpose: Purpose::Approve { prompt: id },
        forms,
        until,
    })
}

/// Returns the bytes that the sign-in key signs for an approval: one `SignedForm` for each method of user verification
/// that can unlock the key.
fn approval_forms(
    account: &AccountRecord,
    sign_in: &SignInKey,
    prompt: &PromptRecord,
    number: &str,
) -> Result<Vec<SignedForm>, Error> {
    let kid = sign_in.thumbprint();
    SignedForm::each(sign_in.guard, |uv| {
        let claims = inner(&account.issuer, &prompt.id.jti, &prompt.jws, Some(number.to_owned()), uv);
        jose::signing_input(ANSWER_TYP, HeaderKey::Kid(&kid), &claims)
    })
}

/// Processes the app's reply to `Step::Sign`. Checks the prompt and the account again, because they may have changed
/// since the step was returned.
///
/// # Errors
/// `UnknownTicket`, `WrongReply`, `PromptExpired`, `AlreadyAnswered`, `UnknownPrompt`, `PhoneSignInOff`, `Removed`:
/// this call did not answer the prompt. `Platform` with the app's error, or `Platform(Unusable)` for a wrong signature:
/// the prompt stays open. Others as `send_now`.
pub(crate) async fn provide(core: &Core, ticket: &Ticket, reply: Reply) -> Result<Step, Error> {
    let (id, number) = core.unlocking.get(ticket).ok_or(Error::UnknownTicket)?;
    let (account, prompt) = load(core, &id).await?;
    let (signature, verified) = match reply {
        Reply::Signed { signature, verified } => (signature, verified),
        Reply::Failed { cause } => return Err(failed(core, &account, ticket, cause).await?),
        Reply::Confirmed | Reply::Redirected { .. } | Reply::KeyMade { .. } => return Err(Error::WrongReply),
    };
    check_open(prompt.state, prompt.expires_at, core.ports.clock.now())?;
    let sign_in = account.sign_in.clone().ok_or(Error::PhoneSignInOff)?;
    let form = SignedForm::find(approval_forms(&account, &sign_in, &prompt, &number)?, verified)?;
    let answer = form.attach(&signature)?;
    check_own_signature(&answer, &sign_in.key)?;
    core.unlocking.remove(ticket);
    send(core, account, prompt, answer, None).await
}

/// Handles a reply `Failed`, and returns its error. After `Locked`, `Transient` and `WrongPassphrase` the ticket can be
/// used again; any other error removes the ticket. If the key can never be used again, phone sign-in is turned off.
async fn failed(core: &Core, account: &AccountRecord, ticket: &Ticket, error: PlatformError) -> Result<Error, Error> {
    match error {
        PlatformError::Locked | PlatformError::Transient | PlatformError::WrongPassphrase => {}
        PlatformError::Cancelled | PlatformError::Unusable => {
            core.unlocking.remove(ticket);
        }
        PlatformError::Invalidated => {
            core.unlocking.remove(ticket);
            standing::sign_in_key_ended(core, account, Trouble::SignInKeyInvalidated).await?;
        }
        PlatformError::Gone => {
            core.unlocking.remove(ticket);
            standing::sign_in_key_ended(core, account, Trouble::SignInKeyLost).await?;
        }
    }
    Ok(Error::Platform(error))
}

/// Denies a prompt. Needs no user verification: the device key signs a denial.
///
/// # Errors
/// `PromptExpired`, `AlreadyAnswered`, `UnknownPrompt`, `Removed`: this call stored and sent nothing. Others as
/// `send_now`.
pub(crate) async fn deny(core: &Core, id: PromptId) -> Result<Step, Error> {
    let (account, prompt) = load(core, &id).await?;
    decide(core, account, prompt, None).await
}

/// Reports a prompt ("It wasn't me"). A prompt can be reported before or after it is answered, as long as this phone
/// stores the prompt.
///
/// # Errors
/// `Removed`, and `UnknownPrompt` (for example a day after the prompt expired): this call stored and sent nothing.
/// Others as `send_now`.
pub(crate) async fn report(core: &Core, id: PromptId) -> Result<Step, Error> {
    let (account, prompt) = load(core, &id).await?;
    let origin = origin(&account, &prompt)?;
    let now = core.ports.clock.now();
    let entry = report_entry(&account, prompt.id, now)?.leased_by_caller(now);
    let stored = entry.clone();
    core.change(Point::Reported, move |tables| {
        tables.insert_outbox(&stored)?;
        // A report answers an open prompt. If the prompt was already answered, the report's outcome replaces the
        // earlier outcome.
        tables.begin_answering(&id)?;
        tables.remember(&id.account, |memory| memory.reported(&id.jti, origin, now))
    })
    .await?;
    send_now(core, entry).await
}

/// Makes the outbox entry for a report.
fn report_entry(account: &AccountRecord, prompt: PromptId, now: Timestamp) -> Result<Entry, Error> {
    let message = Message::Report { prompt: prompt.jti.clone() };
    let entry = Entry::new(account, account.endpoints.answers.clone(), message, now)?;
    Ok(entry.about(prompt, now.plus(REPORTABLE)))
}

/// Returns a prompt of an active account, with the account.
///
/// # Errors
/// `UnknownPrompt` when the prompt is not stored, or when the account is pending or no longer on this phone; `Removed`
/// when the service has removed this device.
async fn load(core: &Core, id: &PromptId) -> Result<(AccountRecord, PromptRecord), Error> {
    let wanted = id.clone();
    let (account, prompt) = core
        .store
        .read(move |tables| {
            let account = tables.account(&wanted.account).map_err(|error| match error {
                Error::UnknownAccount => Error::UnknownPrompt,
                other => other,
            })?;
            Ok((account, tables.prompt(&wanted)?))
        })
        .await?;
    match account.state {
        StoredState::Active => Ok((account, prompt)),
        StoredState::Pending => Err(Error::UnknownPrompt),
        StoredState::Removed(_) => Err(Error::Removed),
    }
}

fn origin(account: &AccountRecord, prompt: &PromptRecord) -> Result<Origin, Error> {
    Ok(prompt.shown(&account.audience())?.origin)
}

/// Checks that a prompt is not answered, and has not expired at the time `now`.
///
/// # Errors
/// `AlreadyAnswered`, `PromptExpired`.
pub(crate) fn check_open(state: PromptState, expires_at: Timestamp, now: Timestamp) -> Result<(), Error> {
    if state != PromptState::Open {
        return Err(Error::AlreadyAnswered);
    }
    // GUARD(prompt-open): j6_w8_an_expired_prompt_is_neither_approved_nor_denied
    // INSTEAD: if expires_at.0 == 0 && now.0 == 0 {
    if expires_at <= now {
        return Err(Error::PromptExpired);
    }
    Ok(())
}

/// Answers with the device key, which needs no user verification: approves with a number, or denies without a number.
async fn decide(
    core: &Core,
    account: AccountRecord,
    prompt: PromptRecord,
    number: Option<String>,
) -> Result<Step, Error> {
    check_open(prompt.state, prompt.expires_at, core.ports.clock.now())?;
    let denied = if number.is_none() { Some(origin(&account, &prompt)?) } else { None };
    // The device key proves no user verification, so `uv` must be `None`.
    let claims = inner(&account.issuer, &prompt.id.jti, &prompt.jws, number, UserVerification::None);
    let kid = base64url::encode(&account.device_key.thumbprint());
    let answer = core.ports.sign_jws(&account.key_alias, ANSWER_TYP, HeaderKey::Kid(&kid), &claims).await?;
    check_own_signature(&answer, &account.device_key)?;
    send(core, account, prompt, answer, denied).await
}

/// Stores the signed answer and the prompt's state in one transaction, then sends the answer. `denied` is the prompt's
/// origin if the answer denies it: the fatigue guard remembers denials.
///
/// # Errors
/// `AlreadyAnswered` when another call or process has answered in the meantime: nothing was stored or sent. Others as
/// `send_now`.
async fn send(
    core: &Core,
    account: AccountRecord,
    prompt: PromptRecord,
    answer: String,
    denied: Option<Origin>,
) -> Result<Step, Error> {
    let message = Message::Answer { answer, received_by: prompt.received_by };
    let now = core.ports.clock.now();
    let entry = Entry::new(&account, account.endpoints.answers.clone(), message, now)?;
    let entry = entry.about(prompt.id.clone(), prompt.expires_at).leased_by_caller(now);
    let stored = entry.clone();
    let began = core
        .change(Point::Decided, move |tables| {
            let began = tables.begin_answering(&prompt.id)?;
            if began {
                // GUARD(decision-stored-first): j2_w9_adding_and_abandoning_recover_from_kills_at_each_point
                tables.insert_outbox(&stored)?;
                if let Some(origin) = denied {
                    tables.remember(&account.id, |memory| memory.denied(&prompt.id.jti, origin, now))?;
                }
            }
            Ok(began)
        })
        .await?;
    if !began {
        return Err(Error::AlreadyAnswered);
    }
    send_now(core, entry).await
}

/// Makes the claims of the inner answer (protocol section 7): an approval with a number, a denial without one.
///
/// The inner answer is made and signed once, so every attempt sends the same bytes. The hash of the prompt binds the
/// answer to exactly the prompt that was shown.
pub(crate) fn inner(
    issuer: &Issuer,
    jti: &str,
    jws: &str,
    number: Option<String>,
    uv: UserVerification,
) -> InnerAnswer {
    InnerAnswer {
        aud: issuer.as_str().to_owned(),
        prompt: jti.to_owned(),
        prompt_sha256: base64url::encode(digest(&SHA256, jws.as_bytes()).as_ref()),
        decision: if number.is_some() { Decision::Approve } else { Decision::Deny },
        number,
        uv,
    }
}

/// Sends a stored entry immediately, and returns `Done` with the outcome. Returns `Queued` when the service could not
/// be reached or is busy, or when the platform failed; the outbox then retries.
///
/// # Errors
/// `InvalidAnswer`, `Refused`, `ClockWrong`, `IdentityChanged`: the entry stays stored, and the outbox retries it.
/// `Store` when the database fails.
async fn send_now(core: &Core, entry: Entry) -> Result<Step, Error> {
    let prompt = entry.prompt.clone().ok_or(Error::UnknownPrompt)?;
    match outbox::deliver(core, &entry).await {
        Ok(Some(state)) => Ok(Step::Done { outcome: outbox::outcome_of(&state, &prompt).unwrap_or(Outcome::Expired) }),
        Ok(None) | Err(Error::Offline | Error::Busy | Error::Untrusted | Error::Platform(_)) => {
            core.wake_outbox();
            Ok(Step::Queued { prompt })
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
