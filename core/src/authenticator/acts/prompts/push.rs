//! A push arrives: decrypted and verified before anything of it can be seen.

use crate::authenticator::acts::prompts::arrival;
use crate::authenticator::acts::prompts::arrival::Eyes;
use crate::authenticator::acts::prompts::fetch::{fetch, follow_keys};
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, StoredState};
use crate::authenticator::store::Tables;
use crate::base::clock::Timestamp;
use crate::base::points::Point;
use crate::protocol::messages::{FetchReason, ReceivedBy};
use crate::protocol::push_message::strip_padding;
use crate::protocol::verify::{PushContent, verify_push};
use crate::values::account::AccountId;
use crate::values::fatigue::Memory;
use crate::values::prompt::{PromptId, PushEffect, WithdrawalReason};

/// Garbage can't make the phone busy: at most one fetch in this time for each account, in seconds
/// (protocol section 8).
const FETCH_INTERVAL: u64 = 30;

/// Handles one push; bad bytes never make an error, they are dropped.
///
/// # Errors
/// Only when this phone's own store fails.
pub(crate) async fn received(core: &Core, slot: Vec<u8>, message: Vec<u8>) -> Result<PushEffect, Error> {
    import(core).await?;
    let wanted = slot.clone();
    let Some(mut account) = core.store.read(move |tables| tables.account_by_slot(&wanted)).await? else {
        return Ok(PushEffect::Nothing);
    };
    let mut found = PushEffect::Nothing;
    if account.is_pending() {
        // The prompt may overtake the news that the digits were taken; the fetch brings both.
        found = fetch_instead(core, &account).await?;
        match core.store.read(move |tables| tables.account_by_slot(&slot)).await? {
            Some(now) => account = now,
            None => return Ok(found),
        }
    }
    if account.state != StoredState::Active {
        return Ok(found);
    }
    let Some(content) = read(core, &account, &message).await? else {
        return fetch_instead(core, &account).await;
    };
    let now = core.ports.clock.now();
    match take_in(core, account.id, content.0, content.1, now, Eyes::Elsewhere).await? {
        PushEffect::Nothing => Ok(found),
        effect => Ok(effect),
    }
}

async fn take_in(
    core: &Core,
    account: AccountId,
    content: PushContent,
    jws: String,
    at: Timestamp,
    eyes: Eyes,
) -> Result<PushEffect, Error> {
    let id = account.clone();
    let now = core.ports.clock.now();
    if core.store.write(Point::PushCame, move |tables| tables.push_came(&id, at, now)).await? {
        core.changed();
    }
    match content {
        PushContent::Prompt(prompt) => {
            let keep = move |tables: &Tables<'_>| arrival::keep(tables, *prompt, jws, ReceivedBy::Push, at, eyes);
            let new = core.change(Point::PushShown, keep).await?;
            Ok(new.map_or(PushEffect::Nothing, |prompt| PushEffect::new_prompt(Box::new(prompt))))
        }
        PushContent::Withdrawn { id, reason, expires_at } => withdraw(core, id, reason, expires_at).await,
        PushContent::Test { .. } => Ok(PushEffect::Test(account)),
    }
}

/// Takes over what the notification extension has found; doing it twice changes nothing.
///
/// Everything is verified again: the folder is shared, and time has passed.
///
/// # Errors
/// Only when this phone's own store fails.
pub(crate) async fn import(core: &Core) -> Result<(), Error> {
    let now = core.ports.clock.now();
    for kept in core.store.kept_pushes(now).await? {
        let account = core.store.read(move |tables| tables.account(&kept.account)).await;
        let Ok(account) = account else { continue };
        if account.state != StoredState::Active {
            continue;
        }
        // What alerted the person counts, whether or not there is still something to answer.
        if let (Some(seen), None) = (kept.seen, kept.quiet) {
            let id = account.id.clone();
            let alerted = move |memory: &mut Memory| memory.alerted(&seen.jti, seen.origin, kept.received_at);
            // GUARD(extension-alerts-remembered): j6_w9_a_notification_extension_keeps_the_guard_alone_and_with_the_app
            // INSTEAD: drop((id, alerted));
            core.store.write(Point::PushCame, move |tables| tables.remember(&id, alerted)).await?;
        }
        if let Ok(content) = verify_push(&kept.jws, &account.audience(), now) {
            take_in(core, account.id, content, kept.jws, kept.received_at, Eyes::Told(kept.quiet)).await?;
        }
    }
    Ok(())
}

async fn read(core: &Core, account: &AccountRecord, message: &[u8]) -> Result<Option<(PushContent, String)>, Error> {
    let Ok(plain) = account.push_keys.decrypt(message) else {
        tracing::info!("a push could not be decrypted");
        return Ok(None);
    };
    let Ok(jws) = std::str::from_utf8(strip_padding(&plain)) else {
        return Ok(None);
    };
    let audience = match follow_keys(core, account, jws).await {
        Ok(audience) => audience,
        Err(error) => {
            tracing::info!(%error, "the service's keys could not be followed");
            return Ok(None);
        }
    };
    match verify_push(jws, &audience, core.ports.clock.now()) {
        Ok(content) => Ok(Some((content, jws.to_owned()))),
        Err(refusal) => {
            tracing::warn!(%refusal, "a push was refused");
            Ok(None)
        }
    }
}

async fn withdraw(
    core: &Core,
    id: PromptId,
    reason: WithdrawalReason,
    expires_at: Timestamp,
) -> Result<PushEffect, Error> {
    let wanted = id.clone();
    let shown = core
        .change(Point::PushWithdrawn, move |tables| {
            tables.insert_withdrawn(&wanted, expires_at)?;
            tables.delete_open_prompt(&wanted)
        })
        .await?;
    Ok(if shown { PushEffect::Withdrawn(id, reason) } else { PushEffect::Nothing })
}

/// Fetches in place of a push that could not be read, at most once in `FETCH_INTERVAL`.
async fn fetch_instead(core: &Core, account: &AccountRecord) -> Result<PushEffect, Error> {
    let id = account.id.clone();
    let now = core.ports.clock.now();
    if !core.store.write(Point::PushFetches, move |tables| tables.may_fetch_for_push(&id, now, FETCH_INTERVAL)).await? {
        return Ok(PushEffect::Nothing);
    }
    match fetch(core, &account.id, FetchReason::Push, 0).await {
        Ok(new) => {
            // One effect for one push: what alerts goes before what does not.
            let first = new.into_iter().min_by_key(|prompt| prompt.quiet.is_some());
            Ok(first.map_or(PushEffect::Nothing, |prompt| PushEffect::new_prompt(Box::new(prompt))))
        }
        Err(error @ Error::Store(_)) => Err(error),
        Err(_unreachable) => Ok(PushEffect::Nothing),
    }
}
