//! Taking an account off this phone, and lifting the block after wrong numbers.

use crate::account::{AccountId, StoredState};
use crate::authenticator::Core;
use crate::error::Error;
use crate::outbox::{self, Entry};
use crate::service;
use crate::service::messages::{Message, StateStatus};

/// How taking an account off ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The service knows.
    Done,
    /// The account is gone here; the service is told as soon as it can be reached.
    ServiceToldLater,
}

/// Takes the account off at once, with everything that belongs to it; what the service must be told is stored
/// in the same transaction.
pub(crate) async fn remove(core: &Core, id: AccountId) -> Result<Removal, Error> {
    let wanted = id.clone();
    let account = core.store.run(move |tables| tables.account(&wanted)).await?;
    let message = match account.state {
        StoredState::Pending => Message::Abandon,
        StoredState::Active | StoredState::Removed(_) => Message::Unenroll,
    };
    let service_knows = matches!(account.state, StoredState::Removed(_));
    let entry = Entry::new(&account, account.endpoints.device.clone(), message, core.ports.clock.now())?;
    let (stored, wanted) = (entry.clone(), id.clone());
    core.change(move |tables| {
        if !service_knows {
            tables.insert_outbox(&stored)?;
        }
        tables.delete_enrollment_of(&wanted)?;
        tables.delete_account(&wanted)
    })
    .await?;
    if service_knows {
        outbox::delete_key_when_silent(core, &id).await?;
        return Ok(Removal::Done);
    }
    match outbox::deliver(core, &entry.id).await {
        Ok(Some(_told)) => Ok(Removal::Done),
        Ok(None) | Err(_) => Ok(Removal::ServiceToldLater),
    }
}

/// Asks the service to lift the block after three wrong numbers.
pub(crate) async fn unblock(core: &Core, id: AccountId) -> Result<(), Error> {
    let account = core.store.run(move |tables| tables.account(&id)).await?;
    let mut speaker = account.speaker();
    let state = service::exchange(core, &mut speaker, &account.endpoints.device, &Message::Unblock).await?;
    match state.status {
        StateStatus::Ok => Ok(()),
        StateStatus::Removed => Err(Error::Removed),
        StateStatus::Pending | StateStatus::ClockSkew => Err(Error::InvalidAnswer),
    }
}
