//! Removes an account from this phone. Also asks the service to lift the block that wrong numbers have caused.

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

/// Whether the service already knows about a change on this phone: an account was removed, or phone sign-in was turned
/// off.
///
/// `Done` and `ServiceInformedLater` both mean that the change is complete on this phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Ending {
    /// The service has acknowledged the change, or had removed this device before.
    Done,
    /// The message to the service is stored, and retried for at most 90 days (for a pending account: 15 minutes).
    ServiceInformedLater,
}

/// Removes an account from this phone, with everything that belongs to it. The message to the service is stored in the
/// same transaction.
///
/// # Errors
/// `UnknownAccount`, `Store`.
pub(crate) async fn remove(core: &Core, id: AccountId) -> Result<Ending, Error> {
    let wanted = id.clone();
    let account = core.store.read(move |tables| tables.account(&wanted)).await?;
    let message = match account.state {
        StoredState::Pending => Message::Abandon,
        StoredState::Active | StoredState::Removed(_) => Message::Unenroll,
    };
    let service_knows = matches!(account.state, StoredState::Removed(_));
    let now = core.ports.clock.now();
    let entry = Entry::new(&account, account.endpoints.device.clone(), message, now)?.leased_by_caller(now);
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

/// Sends an entry that the caller has leased. After any failure the outbox retries.
///
/// # Errors
/// None at present: a failure is returned as `ServiceInformedLater`.
pub(crate) async fn send(core: &Core, entry: &Entry) -> Result<Ending, Error> {
    match outbox::deliver(core, entry).await {
        Ok(Some(_state)) => Ok(Ending::Done),
        Ok(None) | Err(_) => Ok(Ending::ServiceInformedLater),
    }
}

/// Asks the service to lift the block that three wrong numbers have caused. The request is not stored, so it is not
/// retried.
///
/// # Errors
/// `UnknownAccount`, `Removed`; `NotAllowedNow` when the account is suspended or limited; else as `exchange`.
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
