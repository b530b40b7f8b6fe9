//! Waits until the person has typed the digits into the wizard. The service's signed state contains the result.

use std::time::Duration;

use crate::authenticator::acts::enrollment::EnrollmentEnd;
use crate::authenticator::acts::prompts::fetch;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::enrollment::{EnrollmentRecord, Stage};
use crate::authenticator::records::listed_account::ListedAccount;
use crate::base::points::Point;
use crate::protocol::messages::FetchReason;
use crate::values::account::AccountId;
use crate::values::ticket::Ticket;

/// How long the service may delay its response while nothing changes, in seconds (long polling).
const WAIT: u64 = 25;
/// The pause after a failed fetch.
const PAUSE: Duration = Duration::from_secs(2);
/// The time from one check whether the digits have expired to the next check.
const RECHECK_EVERY: Duration = Duration::from_secs(5);
/// For this many seconds after the digits expire, the service is still asked for the result.
const GRACE: u64 = 120;

/// Polls the service until the enrollment is active or ended. Runs in the background, and retries a failed fetch.
///
/// # Errors
/// `Offline` when the digits expired more than `GRACE` ago; `Store`.
pub(crate) async fn watch(core: &Core, ticket: &Ticket) -> Result<(), Error> {
    while let Some(record) = waiting(core, ticket).await? {
        if let Err(error) = fetch::fetch(core, &record.facts.account, FetchReason::Poll, WAIT).await {
            tracing::debug!(%error, "the service could not be asked whether the digits were accepted");
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Returns the enrollment if it is `Bound` and waits for the digits; `None` in any other stage, and for a deleted
/// enrollment.
///
/// # Errors
/// `Offline` when the digits expired more than `GRACE` ago and the service gave no result.
async fn waiting(core: &Core, ticket: &Ticket) -> Result<Option<EnrollmentRecord>, Error> {
    let wanted = ticket.clone();
    let record = match core.store.read(move |tables| tables.enrollment(&wanted)).await {
        Ok(record) => record,
        Err(Error::UnknownTicket) => return Ok(None),
        Err(error) => return Err(error),
    };
    match record.stage {
        Stage::Bound { until, .. } if core.ports.clock.now() > until.plus(GRACE) => Err(Error::Offline),
        Stage::Bound { .. } => Ok(Some(record)),
        Stage::Enrolling | Stage::KeyMade { .. } | Stage::Ended { .. } => Ok(None),
    }
}

/// Waits until the enrollment is active or ended, and deletes an ended enrollment. `watch` does the polling.
///
/// # Errors
/// `UnknownTicket` when the enrollment was abandoned. `Offline` when the digits expired more than `GRACE` ago and the
/// service gave no result, or when the enrollment is not in stage `Bound` yet.
pub(crate) async fn wait(core: &Core, ticket: &Ticket) -> Result<EnrollmentEnd, Error> {
    loop {
        // The revision is read before the record, so a change between the two reads is not missed.
        let revision = core.revision();
        if waiting(core, ticket).await?.is_none() {
            break;
        }
        // Without a signed state nothing changes, so the expiry is checked again after each timeout.
        if let Ok(closed) = tokio::time::timeout(RECHECK_EVERY, core.changed_since(revision)).await {
            closed?;
        }
    }
    let wanted = ticket.clone();
    let ended = core
        .change(Point::EnrollmentEndRead, move |tables| match tables.enrollment(&wanted) {
            Ok(EnrollmentRecord { stage: Stage::Ended { cause }, .. }) => {
                tables.delete_enrollment(&wanted)?;
                Ok(Some(cause))
            }
            Ok(_interrupted) => Err(Error::Offline),
            Err(Error::UnknownTicket) => Ok(None),
            Err(error) => Err(error),
        })
        .await?;
    if let Some(cause) = ended {
        return Ok(EnrollmentEnd::Ended { cause });
    }
    let wanted = AccountId(ticket.0.clone());
    match core.store.read(move |tables| tables.account(&wanted)).await {
        Ok(account) => {
            let account = ListedAccount::of(&account).shown(core.lock_seen(), core.ports.clock.now());
            Ok(EnrollmentEnd::Active { account })
        }
        Err(Error::UnknownAccount) => Err(Error::UnknownTicket),
        Err(error) => Err(error),
    }
}
