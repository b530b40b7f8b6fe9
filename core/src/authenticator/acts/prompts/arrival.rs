//! A verified prompt comes to this phone: kept once, as loud as it may be.

use crate::authenticator::error::Error;
use crate::authenticator::records::account::AccountRecord;
use crate::authenticator::store::Tables;
use crate::authenticator::store::prompts::PromptRecord;
use crate::base::clock::Timestamp;
use crate::protocol::messages::ReceivedBy;
use crate::values::account::AccountId;
use crate::values::fatigue::{Loudness, Quiet};
use crate::values::origin::Origin;
use crate::values::prompt::{Prompt, PromptState};

/// Who learns of a prompt as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eyes {
    /// The person is looking: nothing needs to alert them.
    Open,
    /// The person is elsewhere: this phone decides whether to alert them.
    Elsewhere,
    /// The notification extension has decided before, when it came.
    Told(Option<Quiet>),
}

/// Keeps a prompt that came at `at`; `None` when it is known, withdrawn or held back.
///
/// # Errors
/// Only when this phone's own store fails.
pub(crate) fn keep(
    tables: &Tables<'_>,
    prompt: Prompt,
    jws: String,
    received_by: ReceivedBy,
    at: Timestamp,
    eyes: Eyes,
) -> Result<Option<Prompt>, Error> {
    let (quiet, alerts) = match eyes {
        Eyes::Open => (None, false),
        // An alert was noted with what the extension has seen.
        Eyes::Told(quiet) => (quiet, false),
        Eyes::Elsewhere => match loudness(tables, &prompt, at)? {
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

fn loudness(tables: &Tables<'_>, prompt: &Prompt, now: Timestamp) -> Result<Loudness, Error> {
    let account = tables.account(&prompt.id.account)?;
    let waiting = waiting(tables, &account, prompt.origin, now)?;
    Ok(account.memory.judge(prompt.origin, waiting, now))
}

/// How many prompts of an origin wait for the person.
fn waiting(tables: &Tables<'_>, account: &AccountRecord, origin: Origin, now: Timestamp) -> Result<usize, Error> {
    let audience = account.audience();
    let open = tables.open_prompts_of(&account.id)?;
    let waits = |record: &&PromptRecord| {
        record.expires_at > now && record.shown(&audience).is_ok_and(|prompt| prompt.origin == origin)
    };
    Ok(open.iter().filter(waits).count())
}

/// Remembers what the person made of a prompt; an account that is gone remembers nothing.
///
/// # Errors
/// Only when this phone's own store fails.
pub(crate) fn remember_approval(tables: &Tables<'_>, account: &AccountId, now: Timestamp) -> Result<(), Error> {
    match tables.remember(account, |memory| memory.calmed(now)) {
        Err(Error::UnknownAccount) => Ok(()),
        told => told,
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

    /// A service that sends hundreds: a handful of each origin is kept, and no origin uses up what is another's.
    #[test]
    fn of_many_requests_of_one_origin_a_handful_waits_and_the_others_come_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = folder.path().join("inbox");
        let store = Store::open(&folder.path().join("db"), &inbox, &FakeKeyStore::default()).unwrap();
        let ada = account("ada");
        store.write_blocking(Point::TakenUp, |tables| tables.insert_account(&ada)).unwrap();
        let comes = |jti: &str, origin: &str, now: Timestamp| {
            let record = prompt(&ada, jti, origin);
            let shown = record.shown(&ada.audience()).unwrap();
            let keeping = |tables: &Tables<'_>| keep(tables, shown, record.jws, ReceivedBy::Push, now, Eyes::Elsewhere);
            store.write_blocking(Point::TakenUp, keeping).unwrap()
        };
        assert_eq!(comes("first", "unknown", NOW).unwrap().quiet, None);
        assert!(comes("first", "unknown", NOW).is_none(), "the same again");
        for number in 1..100 {
            let kept = comes(&number.to_string(), "unknown", NOW);
            assert_eq!(kept.map(|prompt| prompt.quiet), (number < 8).then_some(Some(Quiet::JustAsked)), "{number}");
        }
        assert_eq!(comes("own", "known_browser", NOW).unwrap().quiet, None);
        // The service's clock is three seconds ahead of this phone's.
        assert!(comes("in their last second", "unknown", NOW.plus(116)).is_none());
        assert!(comes("when those are over", "unknown", NOW.plus(117)).is_some());
    }
}
