//! The person's decision: signed once, stored before the first attempt, told until the service has it.
//!
//! ```text
//! open ──approve, deny──▶ answering ──signed outcome──▶ done
//!   │                         └── a day without one ──▶ done (expired)
//!   └── withdrawn, or no longer listed ──▶ (gone)
//! ```

use ring::digest::{SHA256, digest};

use crate::account::{AccountRecord, StoredState};
use crate::authenticator::Core;
use crate::authenticator::check_own_signature;
use crate::error::Error;
use crate::jose::{HeaderKey, base64url};
use crate::outbox::{self, Entry};
use crate::prompt::fetch::stored_prompt;
use crate::prompt::{Outcome, PromptId, PromptState};
use crate::service::messages::{Decision, InnerAnswer, Message, UserVerification};
use crate::step::Step;
use crate::store::PromptRecord;

/// A report counts for a day.
const REPORTABLE: u64 = 24 * 60 * 60;
const ANSWER_TYP: &str = "phone-answer+jwt";

/// Approves with the number that the page shows, as the person read it.
///
/// # Errors
/// `NumberForm` before anything is signed; `PromptExpired`, `AlreadyAnswered`, `UnknownPrompt`.
pub(crate) async fn approve(core: &Core, id: PromptId, number: String) -> Result<Step, Error> {
    let (account, prompt) = load(core, &id).await?;
    if !stored_prompt(&prompt, &account.audience())?.matching().fits(&number) {
        return Err(Error::NumberForm);
    }
    decide(core, account, prompt, Decision::Approve, Some(number)).await
}

/// Denies; never needs the person to unlock anything.
///
/// # Errors
/// As `approve`, but for the number.
pub(crate) async fn deny(core: &Core, id: PromptId) -> Result<Step, Error> {
    let (account, prompt) = load(core, &id).await?;
    decide(core, account, prompt, Decision::Deny, None).await
}

/// "It wasn't me": before or after an answer, as long as the prompt is remembered.
///
/// # Errors
/// `UnknownPrompt` a day after its end.
pub(crate) async fn report(core: &Core, id: PromptId) -> Result<Step, Error> {
    let (account, prompt) = load(core, &id).await?;
    let message = Message::Report { prompt: id.jti.clone() };
    let entry = Entry::new(&account, account.endpoints.answers.clone(), message, core.ports.clock.now())?;
    let entry = entry.about(prompt.id, core.ports.clock.now().plus(REPORTABLE));
    let stored = entry.clone();
    core.change(move |tables| {
        tables.insert_outbox(&stored)?;
        // A report ends an open prompt; an answered one it overrules when the service says so.
        tables.begin_answering(&id)?;
        Ok(())
    })
    .await?;
    tell(core, entry).await
}

async fn load(core: &Core, id: &PromptId) -> Result<(AccountRecord, PromptRecord), Error> {
    let wanted = id.clone();
    let (account, prompt) = core
        .store
        .run(move |tables| {
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

async fn decide(
    core: &Core,
    account: AccountRecord,
    prompt: PromptRecord,
    decision: Decision,
    number: Option<String>,
) -> Result<Step, Error> {
    if prompt.state != PromptState::Open {
        return Err(Error::AlreadyAnswered);
    }
    if prompt.expires_at <= core.ports.clock.now() {
        return Err(Error::PromptExpired);
    }
    let answer = inner_answer(core, &account, &prompt, decision, number).await?;
    let message = Message::Answer { answer, received_by: prompt.received_by };
    let entry = Entry::new(&account, account.endpoints.answers.clone(), message, core.ports.clock.now())?;
    let entry = entry.about(prompt.id.clone(), prompt.expires_at);
    let stored = entry.clone();
    let began = core
        .change(move |tables| {
            let began = tables.begin_answering(&prompt.id)?;
            if began {
                tables.insert_outbox(&stored)?;
            }
            Ok(began)
        })
        .await?;
    if !began {
        return Err(Error::AlreadyAnswered);
    }
    tell(core, entry).await
}

/// The bytes that carry the decision; made once, so that every attempt says the very same.
async fn inner_answer(
    core: &Core,
    account: &AccountRecord,
    prompt: &PromptRecord,
    decision: Decision,
    number: Option<String>,
) -> Result<String, Error> {
    let claims = InnerAnswer {
        aud: account.issuer.as_str().to_owned(),
        prompt: prompt.id.jti.clone(),
        prompt_sha256: base64url::encode(digest(&SHA256, prompt.jws.as_bytes()).as_ref()),
        decision,
        number,
        // The device key asks nobody; anything else would be a claim that was never checked.
        uv: UserVerification::None,
    };
    let kid = base64url::encode(&account.device_key.thumbprint());
    let jws = core.sign_jws(&account.key_alias, ANSWER_TYP, HeaderKey::Kid(&kid), &claims).await?;
    check_own_signature(&jws, &account.device_key)?;
    Ok(jws)
}

/// Tries at once; without an answer the outbox goes on and the person is told that it is on its way.
async fn tell(core: &Core, entry: Entry) -> Result<Step, Error> {
    let prompt = entry.prompt.clone().ok_or(Error::UnknownPrompt)?;
    match outbox::deliver(core, &entry.id).await {
        Ok(Some(state)) => Ok(Step::Done(outbox::outcome_of(&state, &prompt).unwrap_or(Outcome::Expired))),
        Ok(None) | Err(Error::Offline | Error::Busy | Error::Untrusted | Error::Platform(_)) => {
            core.wake_outbox();
            Ok(Step::Queued(prompt))
        }
        Err(error) => Err(error),
    }
}
