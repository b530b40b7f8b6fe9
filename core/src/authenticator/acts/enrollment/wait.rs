//! Waiting for the page to take the digits: the service's signed state says what became of it.

use std::time::Duration;

use crate::authenticator::acts::enrollment::EnrollmentEnd;
use crate::authenticator::acts::prompts::fetch;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::enrollment::{EnrollmentRecord, Stage};
use crate::base::points::Point;
use crate::protocol::messages::FetchReason;
use crate::values::account::AccountId;
use crate::values::ticket::Ticket;

/// The service holds its answer this long, in seconds, while nothing changes.
const WAIT: u64 = 25;
/// Between two tries when the service can't be reached.
const PAUSE: Duration = Duration::from_secs(2);
/// The digits' time is looked at this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Asking goes on this long after the digits' time, in seconds, to learn how it ended.
const GRACE: u64 = 120;

/// Asks the service, in the background, until the enrollment is active or ended.
pub(crate) async fn watch(core: &Core, ticket: &Ticket) -> Result<(), Error> {
    while let Some(record) = waiting(core, ticket).await? {
        if let Err(error) = fetch::fetch(core, &record.facts.account, FetchReason::Poll, WAIT).await {
            tracing::debug!(%error, "waiting for the digits to be taken");
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// The enrollment while its page has not yet taken the digits.
///
/// # Errors
/// `Offline` when the service stayed silent past the digits' time.
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

/// Waits until the enrollment is active or ended, and forgets an ended one.
///
/// # Errors
/// `UnknownTicket` when it was given up; `Offline` when the service stayed silent past the digits' time.
pub(crate) async fn wait(core: &Core, ticket: &Ticket) -> Result<EnrollmentEnd, Error> {
    loop {
        // Read before the record: a change in between is then seen at once, never missed.
        let revision = core.revision();
        if waiting(core, ticket).await?.is_none() {
            break;
        }
        // Looked at again now and then: nothing changes when the service stays silent.
        if let Ok(closed) = tokio::time::timeout(LOOK_AGAIN, core.changed_since(revision)).await {
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
        Ok(account) => Ok(EnrollmentEnd::Active { account: account.shown(core.lock_seen(), core.ports.clock.now()) }),
        Err(Error::UnknownAccount) => Err(Error::UnknownTicket),
        Err(error) => Err(error),
    }
}
