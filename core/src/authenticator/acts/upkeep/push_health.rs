//! Whether requests can reach this phone at once: what the platform does with pushes, and a test of the whole way.

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

/// How pushes fare for one account. Without them requests are still found by opening the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PushHealth {
    /// What this device does with pushes for the app.
    pub delivery: PushDelivery,
    /// When one last came for this account and was found genuine, by this phone's clock; none before the first.
    pub last_received: Option<Timestamp>,
    /// Whether the service knows where to send them; `false` while a new address waits to be told.
    pub is_address_told: bool,
}

/// Looks at the platform and at what has come so far.
///
/// # Errors
/// `UnknownAccount`, `Store`.
pub(crate) async fn health(core: &Core, id: AccountId) -> Result<PushHealth, Error> {
    let now = core.ports.clock.now();
    let (last_received, is_address_told) = core.store.read(move |tables| tables.push_record(&id, now)).await?;
    // A port that fails or hangs says nothing, and costs nothing else.
    let delivery = core.ports.ask(|ports| ports.push_channel.delivery()).await.unwrap_or(PushDelivery::Unknown);
    Ok(PushHealth { delivery, last_received, is_address_told })
}

/// Has the service send one push that means nothing but that it came.
///
/// # Errors
/// `Offline`, `Busy`, `Removed`, `NotAllowedNow`, `UnknownAccount`.
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
            core.store.write(Point::AddressHastened, move |tables| tables.hasten_push_renewal(&id, now)).await?;
            core.wake_push_addresses();
            Ok(PushTest::NoAddress)
        }
        (StateStatus::Ok, Some(test)) => Ok(test),
        (StateStatus::Removed, _) => Err(Error::Removed),
        (StateStatus::Suspended | StateStatus::Limited, _) => Err(Error::NotAllowedNow),
        (StateStatus::Ok | StateStatus::Pending | StateStatus::ClockSkew, _) => Err(Error::InvalidAnswer),
    }
}
