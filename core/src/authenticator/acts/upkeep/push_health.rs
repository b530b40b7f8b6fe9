//! Checks whether pushes reach this phone: the platform's settings, the last push, and a test push from the service.

use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::StoredState;
use crate::authenticator::speaking::exchange;
use crate::base::clock::Timestamp;
use crate::base::points::Point;
use crate::protocol::messages::{Message, StateStatus};
use crate::values::account::AccountId;
use crate::values::platform::PushDelivery;

pub use crate::protocol::messages::PushTest;

/// Whether pushes can reach this phone for one account. Without pushes, the app fetches the prompts when the person
/// opens the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PushHealth {
    /// How the platform delivers pushes to the app now; `Unknown` when the port fails.
    pub delivery: PushDelivery,
    /// When the last verified push for this account arrived, by this phone's clock; absent before the first push.
    pub last_received: Option<Timestamp>,
    /// Whether the service knows the current push address. This is `false` while a renewal is due, and while the
    /// message with the new address waits in the outbox.
    pub is_address_known: bool,
}

/// Reads the platform's settings, and what is stored about the account's pushes.
///
/// # Errors
/// `UnknownAccount`, `Store`.
pub(crate) async fn health(core: &Core, id: AccountId) -> Result<PushHealth, Error> {
    let now = core.ports.clock.now();
    let (last_received, is_address_known) = core.store.read(move |tables| tables.push_record(&id, now)).await?;
    // A port that fails or hangs must not hide the stored values.
    let delivery = core.ports.ask(|ports| ports.push_channel.delivery()).await.unwrap_or(PushDelivery::Unknown);
    Ok(PushHealth { delivery, last_received, is_address_known })
}

/// Asks the service to send one test push. If the service reports that the push address has ended, the address is
/// renewed.
///
/// # Errors
/// `UnknownAccount`; `NotAllowedNow` when the account is not active, or the service has suspended or limited it;
/// `Removed`; else as `exchange`.
pub(crate) async fn test(core: &Core, id: AccountId) -> Result<PushTest, Error> {
    let wanted = id.clone();
    let account = core.store.read(move |tables| tables.account(&wanted)).await?;
    if account.state != StoredState::Active {
        return Err(Error::NotAllowedNow);
    }
    let mut speaker = account.speaker();
    let state =
        exchange::exchange(core.connection(), &mut speaker, &account.endpoints.device, &Message::TestPush).await?;
    match (state.status, state.push_test) {
        (StateStatus::Ok, Some(PushTest::NoAddress)) => {
            let now = core.ports.clock.now();
            core.store.write(Point::AddressDueEarly, move |tables| tables.hasten_push_renewal(&id, now)).await?;
            core.wake_push_addresses();
            Ok(PushTest::NoAddress)
        }
        (StateStatus::Ok, Some(test)) => Ok(test),
        (StateStatus::Removed, _) => Err(Error::Removed),
        (StateStatus::Suspended | StateStatus::Limited, _) => Err(Error::NotAllowedNow),
        (StateStatus::Ok | StateStatus::Pending | StateStatus::ClockSkew, _) => Err(Error::InvalidAnswer),
    }
}
