//! Fetches an account's live prompts. The fetched list is authoritative: a prompt that is not in the list has ended.

use crate::authenticator::acts::prompts::arrival;
use crate::authenticator::acts::prompts::arrival::Attention;
use crate::authenticator::acts::upkeep::standing;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, StoredState, Trouble};
use crate::authenticator::speaking::{exchange, service_keys};
use crate::authenticator::store::prompts::PromptRecord;
use crate::base::jose;
use crate::base::points::Point;
use crate::protocol::features::Features;
use crate::protocol::messages::{FetchReason, Known, Message, ReceivedBy, State, StateStatus};
use crate::protocol::verify::{Audience, verify_prompt};
use crate::values::account::AccountId;
use crate::values::prompt::Prompt;

/// The most prompts that are read from one signed state (protocol section 5). Limits how much a hostile service can
/// make this phone store.
const MAX_PROMPTS: usize = 16;

/// Fetches the account's signed state, stores all its effects, and returns the new prompts.
///
/// With `wait` > 0 the service delays its response until something changes, for at most `wait` seconds (0 to 30).
///
/// # Errors
/// `Removed` when the service has removed this device; `UnknownAccount`; else as `exchange` and `settle`.
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
    let known = Known { status: known, prompts };
    let message = Message::Fetch { reason, wait, known, features: Features::known() };
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
            store_listed(core, id, &state, open, attention(reason)).await
        }
        StateStatus::Pending => Ok(Vec::new()),
        StateStatus::Removed | StateStatus::ClockSkew => Err(Error::Removed),
    }
}

/// Returns who decides about alerts. When the person opened the app, the fetched prompts need no alert.
fn attention(reason: FetchReason) -> Attention {
    match reason {
        FetchReason::Opened => Attention::Watching,
        FetchReason::Push | FetchReason::Poll => Attention::Elsewhere,
    }
}

/// Stores the listed prompts that can be verified, and deletes open prompts that the service no longer lists. Only
/// prompts in `held` are deleted: they were open before the request. A prompt that a push has added since then stays.
async fn store_listed(
    core: &Core,
    id: &AccountId,
    state: &State,
    held: Vec<PromptRecord>,
    attention: Attention,
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
            // A late push, or a push in the inbox, must not show the prompt again.
            tables.insert_withdrawn(&held.id, held.expires_at)?;
            tables.delete_open_prompt(&held.id)?;
        }
        let mut new = Vec::new();
        for (prompt, jws) in listed {
            new.extend(arrival::keep(tables, prompt, jws, ReceivedBy::Fetch, now, attention)?);
        }
        Ok(new)
    })
    .await
}

/// Returns the data that verifies a push. If an unknown key signed the push, first follows the service's key chain.
///
/// # Errors
/// As `refresh_keys`.
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
