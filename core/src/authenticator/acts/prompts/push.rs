//! Handles pushes. A push is decrypted and verified before any of its content is stored or shown.

use crate::authenticator::acts::prompts::arrival;
use crate::authenticator::acts::prompts::arrival::Attention;
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
use crate::values::prompt::PushEffect;

/// The shortest time between two fetches that pushes cause for one account, in seconds (protocol section 8). Malformed
/// pushes must not keep the phone busy.
const FETCH_INTERVAL: u64 = 30;

/// Handles one push for the account with this slot. Imports the notification extension's pushes first.
///
/// A malformed push is not an error: it is dropped, and may cause a fetch instead. Any push for a pending account may
/// cause a fetch, because the account may already be active at the service.
///
/// # Errors
/// `Store`.
pub(crate) async fn received(core: &Core, slot: Vec<u8>, message: Vec<u8>) -> Result<PushEffect, Error> {
    import(core).await?;
    let wanted = slot.clone();
    let Some(mut account) = core.store.read(move |tables| tables.account_by_slot(&wanted)).await? else {
        return Ok(PushEffect::Nothing);
    };
    let mut found = PushEffect::Nothing;
    if account.is_pending() {
        // A prompt may arrive before this phone knows that the service has accepted the digits. The fetch returns the
        // prompt, and also shows that the account is active.
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
    match take_in(core, account.id, content.0, content.1, now, Attention::Elsewhere).await? {
        PushEffect::Nothing => Ok(found),
        effect => Ok(effect),
    }
}

/// Stores the verified content of a push and its arrival in one transaction, and returns what the app shows. `at` is the
/// time at which the push arrived.
async fn take_in(
    core: &Core,
    account: AccountId,
    content: PushContent,
    jws: String,
    at: Timestamp,
    attention: Attention,
) -> Result<PushEffect, Error> {
    let now = core.ports.clock.now();
    match content {
        PushContent::Prompt(prompt) => {
            let keep = move |tables: &Tables<'_>| {
                tables.push_came(&account, at, now)?;
                arrival::keep(tables, *prompt, jws, ReceivedBy::Push, at, attention)
            };
            let new = core.change(Point::PushCame, keep).await?;
            Ok(new.map_or(PushEffect::Nothing, |prompt| PushEffect::new_prompt(Box::new(prompt))))
        }
        PushContent::Withdrawn { id, reason, expires_at } => {
            let wanted = id.clone();
            let withdraw = move |tables: &Tables<'_>| {
                tables.push_came(&account, at, now)?;
                tables.insert_withdrawn(&wanted, expires_at)?;
                tables.delete_open_prompt(&wanted)
            };
            let was_open = core.change(Point::PushWithdrawn, withdraw).await?;
            Ok(if was_open { PushEffect::Withdrawn(id, reason) } else { PushEffect::Nothing })
        }
        PushContent::Test { .. } => {
            let id = account.clone();
            if core.store.write(Point::PushCame, move |tables| tables.push_came(&id, at, now)).await? {
                core.changed();
            }
            Ok(PushEffect::Test(account))
        }
    }
}

/// Imports the pushes that the notification extension has received. A push that is imported again has no further
/// effect.
///
/// Each push is verified again, because the folder is shared with the extension. In addition, the push may have expired
/// since it arrived. Pushes of accounts that are not active or not readable are skipped.
///
/// # Errors
/// `Store`.
pub(crate) async fn import(core: &Core) -> Result<(), Error> {
    let now = core.ports.clock.now();
    for kept in core.store.kept_pushes(now) {
        let account = core.store.read(move |tables| tables.account(&kept.account)).await;
        let Ok(account) = account else { continue };
        if account.state != StoredState::Active {
            continue;
        }
        // An alert counts for the fatigue guard even if its prompt has expired.
        if let (Some(seen), None) = (kept.seen, kept.quiet) {
            let id = account.id.clone();
            let alerted = move |memory: &mut Memory| memory.alerted(&seen.jti, seen.origin, kept.received_at);
            // GUARD(extension-alerts-remembered): j6_w9_the_notification_extension_applies_the_fatigue_guard
            // INSTEAD: drop((id, alerted));
            core.store.write(Point::PushCame, move |tables| tables.remember(&id, alerted)).await?;
        }
        if let Ok(content) = verify_push(&kept.jws, &account.audience(), now) {
            take_in(core, account.id, content, kept.jws, kept.received_at, Attention::ExtensionDecided(kept.quiet))
                .await?;
        }
    }
    Ok(())
}

/// Decrypts and verifies a push; returns `None` when the decryption or the verification fails. If an unknown key signed
/// the push, first follows the service's key chain.
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
            tracing::info!(%error, "the service's key chain could not be followed");
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

/// Fetches the account's prompts when a push can't be used, or when the account is pending. Does nothing when the last
/// such fetch was less than `FETCH_INTERVAL` ago. A failed fetch is ignored, unless this phone's own store fails.
async fn fetch_instead(core: &Core, account: &AccountRecord) -> Result<PushEffect, Error> {
    let id = account.id.clone();
    let now = core.ports.clock.now();
    if !core.store.write(Point::PushFetches, move |tables| tables.may_fetch_for_push(&id, now, FETCH_INTERVAL)).await? {
        return Ok(PushEffect::Nothing);
    }
    match fetch(core, &account.id, FetchReason::Push, 0).await {
        Ok(new) => {
            // A `PushEffect` has only one prompt, so a prompt that alerts is preferred to a quiet prompt.
            let first = new.into_iter().min_by_key(|prompt| prompt.quiet.is_some());
            Ok(first.map_or(PushEffect::Nothing, |prompt| PushEffect::new_prompt(Box::new(prompt))))
        }
        Err(error @ Error::Store(_)) => Err(error),
        Err(_unreachable) => Ok(PushEffect::Nothing),
    }
}
