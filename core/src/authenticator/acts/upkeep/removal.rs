//! Taking an account off this phone, and lifting the block after wrong numbers.

use crate::authenticator::acts::upkeep::outbox;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::StoredState;
use crate::authenticator::records::outbox_entry::Entry;
use crate::authenticator::speaking::exchange;
use crate::base::points::Point;
use crate::protocol::messages::{Message, StateStatus};
use crate::values::account::AccountId;

/// How far something got that ends at once on this phone, and that the service must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Ending {
    /// The service knows.
    Done,
    /// It has ended here; the service is told as soon as it can be reached.
    ServiceToldLater,
}

/// Takes the account off at once, with everything that belongs to it; what the service must be told is stored
/// in the same transaction.
pub(crate) async fn remove(core: &Core, id: AccountId) -> Result<Ending, Error> {
    let wanted = id.clone();
    let account = core.store.read(move |tables| tables.account(&wanted)).await?;
    let message = match account.state {
        StoredState::Pending => Message::Abandon,
        StoredState::Active | StoredState::Removed(_) => Message::Unenroll,
    };
    let service_knows = matches!(account.state, StoredState::Removed(_));
    let now = core.ports.clock.now();
    let entry = Entry::new(&account, account.endpoints.device.clone(), message, now)?.sent_by_the_caller(now);
    let stored = entry.clone();
    let wanted = id.clone();
    core.change(Point::Removed, move |tables| {
        if !service_knows {
            tables.insert_outbox(&stored)?;
        }
        tables.delete_enrollment_of(&wanted)?;
        tables.delete_account(&wanted)
    })
    .await?;
    if service_knows {
        retired_keys::destroy(core).await?;
        return Ok(Ending::Done);
    }
    send(core, &entry).await
}

/// Tells the service now if it can be reached; if not, the outbox goes on.
pub(crate) async fn send(core: &Core, entry: &Entry) -> Result<Ending, Error> {
    match outbox::deliver(core, entry).await {
        Ok(Some(_told)) => Ok(Ending::Done),
        Ok(None) | Err(_) => Ok(Ending::ServiceToldLater),
    }
}

/// Asks the service to lift the block after three wrong numbers.
pub(crate) async fn unblock(core: &Core, id: AccountId) -> Result<(), Error> {
    let account = core.store.read(move |tables| tables.account(&id)).await?;
    let mut speaker = account.speaker();
    let state =
        exchange::exchange(core.connection(), &mut speaker, &account.endpoints.device, &Message::Unblock).await?;
    match state.status {
        StateStatus::Ok => Ok(()),
        StateStatus::Removed => Err(Error::Removed),
        StateStatus::Suspended | StateStatus::Limited => Err(Error::NotAllowedNow),
        StateStatus::Pending | StateStatus::ClockSkew => Err(Error::InvalidAnswer),
    }
}
