//! Stores a verified prompt that has arrived, and decides whether the prompt alerts.

use crate::authenticator::error::Error;
use crate::authenticator::store::Tables;
use crate::authenticator::store::prompts::PromptRecord;
use crate::base::clock::Timestamp;
use crate::protocol::messages::ReceivedBy;
use crate::values::account::AccountId;
use crate::values::fatigue::{Loudness, Quiet};
use crate::values::origin::Origin;
use crate::values::prompt::{Prompt, PromptState};

/// Whether the person uses the app when a prompt arrives. This determines who decides whether the prompt alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attention {
    /// The person uses the app, so no alert is needed.
    Watching,
    /// The person may not be using the app: the fatigue guard decides whether the prompt alerts.
    Elsewhere,
    /// The notification extension has already decided: `None` when the prompt alerted, else why it was quiet.
    ExtensionDecided(Option<Quiet>),
}

/// Stores a verified prompt, and records its alert. `at` is the time at which the prompt arrived. Call this function
/// inside a transaction.
///
/// Returns the prompt as screens show it; `None` when the prompt is already stored or was withdrawn. With
/// `Attention::Elsewhere`, a prompt is not stored if eight other prompts of the same origin wait: the function then
/// returns `None`.
///
/// # Errors
/// `UnknownAccount`, `Store`.
pub(crate) fn keep(
    tables: &Tables<'_>,
    prompt: Prompt,
    jws: String,
    received_by: ReceivedBy,
    at: Timestamp,
    attention: Attention,
) -> Result<Option<Prompt>, Error> {
    let (quiet, alerts) = match attention {
        Attention::Watching => (None, false),
        // `push::import` records the extension's alert.
        Attention::ExtensionDecided(quiet) => (quiet, false),
        Attention::Elsewhere => match loudness(tables, &prompt, at)? {
            Loudness::Alert => (None, true),
            Loudness::Quiet(quiet) => (Some(quiet), false),
            Loudness::HeldBack => return Ok(None),
        },
    };
    let record = PromptRecord {
        id: prompt.id.clone(),
        jws,
        received_by,
        received_at: at,
        expires_at: prompt.expires_at,
        state: PromptState::Open,
        quiet,
    };
    if !tables.insert_prompt(&record)? {
        return Ok(None);
    }
    if alerts {
        tables.remember(&prompt.id.account, |memory| memory.alerted(&prompt.id.jti, prompt.origin, at))?;
    }
    Ok(Some(Prompt { quiet, ..prompt }))
}

/// Asks the fatigue guard whether a prompt alerts now.
fn loudness(tables: &Tables<'_>, prompt: &Prompt, now: Timestamp) -> Result<Loudness, Error> {
    let memory = tables.memory(&prompt.id.account)?;
    let waiting = waiting(tables, &prompt.id.account, prompt.origin, now)?;
    Ok(memory.judge(prompt.origin, waiting, now))
}

/// Counts the prompts of an origin that wait for the person and have not expired.
fn waiting(tables: &Tables<'_>, account: &AccountId, origin: Origin, now: Timestamp) -> Result<usize, Error> {
    let open = tables.open_prompts_of(account)?;
    if open.is_empty() {
        return Ok(0);
    }
    let audience = tables.account(account)?.audience();
    let waits = |record: &&PromptRecord| {
        record.expires_at > now && record.shown(&audience).is_ok_and(|prompt| prompt.origin == origin)
    };
    Ok(open.iter().filter(waits).count())
}

/// Records an approval in the fatigue guard's memory: earlier strikes no longer count. An account that is no longer on
/// this phone is ignored.
///
/// # Errors
/// `Store`.
pub(crate) fn remember_approval(tables: &Tables<'_>, account: &AccountId, now: Timestamp) -> Result<(), Error> {
    match tables.remember(account, |memory| memory.calmed(now)) {
        Err(Error::UnknownAccount) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::authenticator::store::Store;
    use crate::authenticator::store::samples::{NOW, account, prompt};
    use crate::base::points::Point;
    use crate::testing::FakeKeyStore;

    /// A service sends a hundred prompts of one origin: eight are stored. A prompt of another origin still alerts.
    #[test]
    fn at_most_eight_prompts_of_each_origin_are_stored() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = folder.path().join("inbox");
        let store = Store::open(&folder.path().join("db"), &inbox, &FakeKeyStore::default()).unwrap();
        let ada = account("ada");
        store.write_blocking(Point::CleanedUp, |tables| tables.insert_account(&ada)).unwrap();
        let comes = |jti: &str, origin: &str, now: Timestamp| {
            let record = prompt(&ada, jti, origin);
            let shown = record.shown(&ada.audience()).unwrap();
            let keeping =
                |tables: &Tables<'_>| keep(tables, shown, record.jws, ReceivedBy::Push, now, Attention::Elsewhere);
            store.write_blocking(Point::CleanedUp, keeping).unwrap()
        };
        assert_eq!(comes("first", "unknown", NOW).unwrap().quiet, None);
        assert!(comes("first", "unknown", NOW).is_none(), "the same prompt was stored twice");
        for number in 1..100 {
            let kept = comes(&number.to_string(), "unknown", NOW);
            assert_eq!(kept.map(|prompt| prompt.quiet), (number < 8).then_some(Some(Quiet::JustAsked)), "{number}");
        }
        assert_eq!(comes("own", "known_browser", NOW).unwrap().quiet, None);
        // The service's clock is three seconds ahead of this phone's.
        assert!(comes("while they wait", "unknown", NOW.plus(116)).is_none());
        assert!(comes("after they expired", "unknown", NOW.plus(117)).is_some());
    }
}
