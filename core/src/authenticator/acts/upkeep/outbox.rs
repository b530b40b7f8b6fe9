//! What must still be told to a service: stored before the first attempt, sent until done or pointless.
//!
//! ```text
//! stored ──lease──▶ sending ──signed state──▶ (settled, gone)
//!    ▲                 │
//!    └── postponed ────┘ no answer, or one that can't be believed
//! ```
//! The same inner bytes travel in a fresh outer request each time, so the service's answer to a repeat is
//! the answer to the first. An answer that was never attempted is dropped at its prompt's end; one that
//! was attempted is asked about for a day, so that the phone can tell the truth.

use std::time::Duration;

use crate::authenticator::acts::prompts::arrival;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::acts::upkeep::standing;
use crate::authenticator::acts::upkeep::standing::News;
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

const FIRST_PAUSE: u64 = 2;
const LONGEST_PAUSE: u64 = 60;
/// The loop looks at least this often, since phones sleep through timers.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Sends everything that is due, now and whenever something falls due, until the authenticator closes.
pub(crate) async fn run(core: &Core) {
    loop {
        let pause = match round(core).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "the outbox could not be read");
                LONGEST_SLEEP
            }
        };
        // A wake-up between the round and here is kept by the notification, not lost.
        let _woken = tokio::time::timeout(pause, core.outbox_woken()).await;
    }
}

/// One look at every entry; returns how long nothing more is due.
async fn round(core: &Core) -> Result<Duration, Error> {
    let entries = core.store.read(|tables| tables.outbox()).await?;
    for entry in &entries {
        let now = core.ports.clock.now();
        if is_pointless(entry, now) {
            give_up(core, entry).await?;
        // GUARD(outbox-lease-taken): what_is_being_sent_is_not_sent_once_more_beside_it
        // INSTEAD: } else if entry.next_at <= now {
        } else if entry.next_at <= now && entry.lease_until <= now {
            // The error is the person's to see when they ask; here it only postpones.
            let _postponed = deliver(core, entry).await;
        }
    }
    let entries = core.store.read(|tables| tables.outbox()).await?;
    let now = core.ports.clock.now();
    let next = entries.iter().map(|entry| entry.next_at.max(entry.lease_until).since(now)).min();
    Ok(next.map_or(LONGEST_SLEEP, |seconds| Duration::from_secs(seconds.max(1)).min(LONGEST_SLEEP)))
}

fn is_pointless(entry: &Entry, now: Timestamp) -> bool {
    entry.give_up_at <= now
}

async fn give_up(core: &Core, entry: &Entry) -> Result<(), Error> {
    let id = entry.id.clone();
    let prompt = entry.prompt.clone();
    let now = core.ports.clock.now();
    core.change(Point::OutboxGivenUp, move |tables| {
        tables.delete_outbox(&id)?;
        match prompt {
            Some(prompt) => tables.finish_prompt(&prompt, Outcome::Expired, now),
            None => Ok(()),
        }
    })
    .await?;
    retired_keys::destroy(core).await
}

/// Sends an entry now; `None` when somebody else has taken it since it was read or stored, or it is done.
///
/// # Errors
/// Why it did not arrive; the entry stays and is sent again later.
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
    let sent = exchange::exchange_or_tell(core.connection(), &mut entry.speaker, &entry.endpoint, &entry.message).await;
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

/// Doubles up to a minute, with half of it left to chance so that phones don't come back together.
fn pause_after(attempts: u32) -> Result<u64, Error> {
    let full = FIRST_PAUSE.saturating_mul(1_u64.checked_shl(attempts.min(8)).unwrap_or(1)).min(LONGEST_PAUSE);
    let half = full.div_euclid(2);
    let [chance]: [u8; 1] = random()?;
    // Each whole second from half to full is as likely as another.
    let seconds = half.saturating_add(1).saturating_mul(u64::from(chance)).div_euclid(256);
    Ok(half.saturating_add(seconds))
}

/// What a signed answer to an entry changes here, in one transaction; `asked` is the account as it was when the
/// entry was sent, if it is still on this phone.
async fn settle(core: &Core, entry: &Entry, asked: Option<&AccountRecord>, state: &State) -> Result<(), Error> {
    let id = entry.id.clone();
    let account = entry.account.clone();
    let prompt = entry.prompt.clone();
    let outcome = prompt.as_ref().and_then(|prompt| outcome_of(state, prompt));
    let now = core.ports.clock.now();
    let news = asked.filter(|asked| !asked.is_removed()).map(|asked| News::of(asked, state, now));
    core.change(Point::OutboxSettled, move |tables| {
        tables.delete_outbox(&id)?;
        if let Some(prompt) = &prompt {
            tables.finish_prompt(prompt, outcome.unwrap_or(Outcome::Expired), now)?;
            if outcome == Some(Outcome::Approved) {
                arrival::remember_approval(tables, &account, now)?;
            }
        }
        match news {
            Some(news) => news.take_over(tables, &account),
            None => Ok(()),
        }
    })
    .await?;
    if state.push_ended {
        core.wake_push_addresses();
    }
    retired_keys::destroy(core).await
}

/// The outcome for exactly this prompt.
pub(crate) fn outcome_of(state: &State, prompt: &PromptId) -> Option<Outcome> {
    state.outcome.as_ref().filter(|outcome| outcome.prompt == prompt.jti).map(|outcome| outcome.result)
}

#[cfg(test)]
mod tests;
