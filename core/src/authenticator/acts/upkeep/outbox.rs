//! Sends the outbox: messages to services that are stored before the first attempt, and retried until the service
//! acknowledges them or they expire.
//!
//! ```text
//! stored ──lease──▶ sending ──signed state──▶ (settled, deleted)
//!    ▲                 │
//!    └── postponed ────┘ no response, or no valid signed state
//! ```
//! Each attempt signs a new request (`phone-request+jwt`) that contains the same message, so the service gives a
//! repeated answer the same outcome. An answer that was never attempted is dropped when its prompt expires. After the
//! first attempt, an answer is resent for a day, so that the phone learns and shows the real outcome.

use std::time::Duration;

use crate::authenticator::acts::prompts::arrival;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::acts::upkeep::standing;
use crate::authenticator::acts::upkeep::standing::StateChanges;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::network::http::Failure;
use crate::authenticator::records::account::AccountRecord;
use crate::authenticator::records::outbox_entry::{Entry, LEASE};
use crate::authenticator::speaking::exchange;
use crate::base::clock::Timestamp;
use crate::base::points::Point;
use crate::base::secret::random;
use crate::protocol::messages::State;
use crate::values::prompt::{Outcome, PromptId};

/// The first and the longest pause between two attempts, in seconds.
const FIRST_PAUSE: u64 = 2;
const LONGEST_PAUSE: u64 = 60;
/// The longest pause of the loop. A sleeping phone stops timers, so a longer pause could end much too late.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Sends each entry when it is due, until the authenticator closes. Only one task may run this loop.
pub(crate) async fn run(core: &Core) {
    loop {
        let pause = match round(core).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "the outbox could not be read");
                LONGEST_SLEEP
            }
        };
        // A wake-up between `round` and this line is not lost: `Notify` stores it.
        let _woken = tokio::time::timeout(pause, core.outbox_woken()).await;
    }
}

/// Drops each expired entry and sends each due entry; returns the time until the next entry is due.
async fn round(core: &Core) -> Result<Duration, Error> {
    let entries = core.store.read(|tables| tables.outbox()).await?;
    for entry in &entries {
        let now = core.ports.clock.now();
        if is_expired(entry, now) {
            drop_entry(core, entry).await?;
        // GUARD(outbox-lease-taken): an_answer_is_not_sent_twice_at_the_same_time
        // INSTEAD: } else if entry.next_at <= now {
        } else if entry.next_at <= now && entry.lease_until <= now {
            // The error is ignored: `deliver` logs a failed exchange, and the entry stays in the outbox.
            let _postponed = deliver(core, entry).await;
        }
    }
    let entries = core.store.read(|tables| tables.outbox()).await?;
    let now = core.ports.clock.now();
    let next = entries.iter().map(|entry| entry.next_at.max(entry.lease_until).since(now)).min();
    Ok(next.map_or(LONGEST_SLEEP, |seconds| Duration::from_secs(seconds.max(1)).min(LONGEST_SLEEP)))
}

fn is_expired(entry: &Entry, now: Timestamp) -> bool {
    entry.abandon_at <= now
}

/// Deletes an expired entry. If the entry answers or reports a prompt, the prompt's outcome becomes `Expired`.
async fn drop_entry(core: &Core, entry: &Entry) -> Result<(), Error> {
    let id = entry.id.clone();
    let prompt = entry.prompt.clone();
    let now = core.ports.clock.now();
    core.change(Point::OutboxAbandoned, move |tables| {
        tables.delete_outbox(&id)?;
        match prompt {
            Some(prompt) => tables.finish_prompt(&prompt, Outcome::Expired, now),
            None => Ok(()),
        }
    })
    .await?;
    retired_keys::destroy(core).await
}

/// Sends an entry now, and stores the effects of the signed state. Returns the state.
///
/// Returns `None` when another task or process has leased the entry since `known` was read, or the entry is deleted.
///
/// # Errors
/// As `exchange`, `settle` and the store; the entry stays and is sent again later.
pub(crate) async fn deliver(core: &Core, known: &Entry) -> Result<Option<State>, Error> {
    let wanted = known.id.clone();
    let held = known.lease_until;
    let now = core.ports.clock.now();
    let leased = core
        .store
        .write(Point::OutboxLeased, move |tables| tables.lease_outbox(&wanted, held, now, now.plus(LEASE)))
        .await?;
    let Some(mut entry) = leased else {
        return Ok(None);
    };
    let account = entry.account.clone();
    let asked = match core.store.read(move |tables| tables.account(&account)).await {
        Ok(account) => Some(account),
        Err(Error::UnknownAccount) => None,
        Err(error) => return Err(error),
    };
    let sent =
        exchange::exchange_or_report(core.connection(), &mut entry.speaker, &entry.endpoint, &entry.message).await;
    match sent {
        Ok(state) => {
            settle(core, &entry, asked.as_ref(), &state).await?;
            Ok(Some(state))
        }
        Err(Failure { error, may_have_arrived }) => {
            standing::note_failure(core, &entry.account, &error).await?;
            tracing::info!(%error, attempts = entry.attempts, "a message waits to be sent again");
            let next_at = core.ports.clock.now().plus(pause_after(entry.attempts)?);
            let wanted = entry.id.clone();
            core.change(Point::OutboxPostponed, move |tables| {
                tables.postpone_outbox(&wanted, next_at, may_have_arrived)
            })
            .await?;
            core.wake_outbox();
            Err(error)
        }
    }
}

/// Returns the pause after this many attempts, in seconds. The pause doubles with each attempt, up to a minute. A
/// random part of up to half is subtracted, so that many phones don't retry at the same moment.
///
/// # Errors
/// `Platform` when the system has no randomness.
fn pause_after(attempts: u32) -> Result<u64, Error> {
    let full = FIRST_PAUSE.saturating_mul(1_u64.checked_shl(attempts.min(8)).unwrap_or(1)).min(LONGEST_PAUSE);
    let half = full.div_euclid(2);
    let [chance]: [u8; 1] = random()?;
    // Each whole number of seconds from `half` to `full` is about equally likely.
    let seconds = half.saturating_add(1).saturating_mul(u64::from(chance)).div_euclid(256);
    Ok(half.saturating_add(seconds))
}

/// Stores the effects of the signed state for an entry, in one transaction. `asked` is the account as it was when
/// the entry was sent; `None` when the account was no longer on this phone.
async fn settle(core: &Core, entry: &Entry, asked: Option<&AccountRecord>, state: &State) -> Result<(), Error> {
    let id = entry.id.clone();
    let account = entry.account.clone();
    let prompt = entry.prompt.clone();
    let outcome = prompt.as_ref().and_then(|prompt| outcome_of(state, prompt));
    let now = core.ports.clock.now();
    let changes = asked.filter(|asked| !asked.is_removed()).map(|asked| StateChanges::of(asked, state, now));
    core.change(Point::OutboxSettled, move |tables| {
        tables.delete_outbox(&id)?;
        if let Some(prompt) = &prompt {
            tables.finish_prompt(prompt, outcome.unwrap_or(Outcome::Expired), now)?;
            if outcome == Some(Outcome::Approved) {
                arrival::remember_approval(tables, &account, now)?;
            }
        }
        match changes {
            Some(changes) => changes.apply(tables, &account),
            None => Ok(()),
        }
    })
    .await?;
    if state.push_ended {
        core.wake_push_addresses();
    }
    retired_keys::destroy(core).await
}

/// Returns the outcome in a signed state, if the outcome names exactly this prompt.
pub(crate) fn outcome_of(state: &State, prompt: &PromptId) -> Option<Outcome> {
    state.outcome.as_ref().filter(|outcome| outcome.prompt == prompt.jti).map(|outcome| outcome.result)
}

#[cfg(test)]
mod tests;
