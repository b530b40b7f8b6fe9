//! Asking the service for what waits. The fetch is the truth: what it no longer lists is over.

use crate::authenticator::acts::prompts::arrival;
use crate::authenticator::acts::prompts::arrival::Eyes;
use crate::authenticator::acts::upkeep::standing;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, StoredState, Trouble};
use crate::authenticator::speaking::{exchange, service_keys};
use crate::authenticator::store::prompts::PromptRecord;
use crate::base::jose;
use crate::base::points::Point;
use crate::protocol::messages::{FetchReason, Known, Message, ReceivedBy, State, StateStatus};
use crate::protocol::verify::{Audience, verify_prompt};
use crate::values::account::AccountId;
use crate::values::prompt::Prompt;

/// More live prompts than this are not taken from one answer.
const MAX_PROMPTS: usize = 16;

/// Asks for the account's prompts and carries the signed state over; returns the new ones.
///
/// # Errors
/// `Removed` when the service has taken this phone off the account; else as `exchange`.
pub(crate) async fn fetch(core: &Core, id: &AccountId, reason: FetchReason, wait: u64) -> Result<Vec<Prompt>, Error> {
    let wanted = id.clone();
    let (account, open) =
        core.store.read(move |tables| Ok((tables.account(&wanted)?, tables.open_prompts_of(&wanted)?))).await?;
    let known = match account.state {
        StoredState::Pending => StateStatus::Pending,
        StoredState::Active => match account.trouble {
            Some(Trouble::Suspended) => StateStatus::Suspended,
            Some(Trouble::Limited) => StateStatus::Limited,
            Some(_) | None => StateStatus::Ok,
        },
        StoredState::Removed(_) => return Err(Error::Removed),
    };
    let prompts = open.iter().take(MAX_PROMPTS).map(|prompt| prompt.id.jti.clone()).collect();
    let message = Message::Fetch { reason, wait, known: Known { status: known, prompts } };
    let mut speaker = account.speaker();
    let state = match exchange::exchange(core.connection(), &mut speaker, &account.endpoints.prompts, &message).await {
        Ok(state) => state,
        Err(error) => {
            standing::note_failure(core, id, &error).await?;
            return Err(error);
        }
    };
    standing::settle(core, &account, &state).await?;
    match state.status {
        StateStatus::Ok | StateStatus::Suspended | StateStatus::Limited => {
            take_over(core, id, &state, open, eyes(reason)).await
        }
        StateStatus::Pending => Ok(Vec::new()),
        StateStatus::Removed | StateStatus::ClockSkew => Err(Error::Removed),
    }
}

fn eyes(reason: FetchReason) -> Eyes {
    match reason {
        FetchReason::Opened => Eyes::Open,
        FetchReason::Push | FetchReason::Poll => Eyes::Elsewhere,
    }
}

async fn take_over(
    core: &Core,
    id: &AccountId,
    state: &State,
    held: Vec<PromptRecord>,
    eyes: Eyes,
) -> Result<Vec<Prompt>, Error> {
    let wanted = id.clone();
    let account = core.store.read(move |tables| tables.account(&wanted)).await?;
    let audience = account.audience();
    let now = core.ports.clock.now();
    let mut listed = Vec::new();
    for jws in state.prompts.iter().take(MAX_PROMPTS) {
        match verify_prompt(jws, &audience, now) {
            Ok(prompt) => listed.push((prompt, jws.clone())),
            Err(refusal) => tracing::warn!(%refusal, "a fetched prompt was refused"),
        }
    }
    core.change(Point::Fetched, move |tables| {
        for held in held.iter().filter(|held| !listed.iter().any(|(prompt, _)| *prompt.id() == held.id)) {
            // A push of it that comes late, or waits in the inbox, must not bring it back.
            tables.insert_withdrawn(&held.id, held.expires_at)?;
            tables.delete_open_prompt(&held.id)?;
        }
        let mut new = Vec::new();
        for (prompt, jws) in listed {
            new.extend(arrival::keep(tables, prompt, jws, ReceivedBy::Fetch, now, eyes)?);
        }
        Ok(new)
    })
    .await
}

/// Follows the service's keys when a push was signed by one that this phone does not know.
pub(crate) async fn follow_keys(core: &Core, account: &AccountRecord, jws: &str) -> Result<Audience, Error> {
    let mut audience = account.audience();
    if let Some(kid) = jose::unverified_kid(jws)
        && audience.service_keys.find(&kid).is_none()
    {
        let mut speaker = account.speaker();
        service_keys::refresh_keys(core.connection(), &mut speaker).await?;
        audience.service_keys = speaker.service_keys;
    }
    Ok(audience)
}
