//! The methods of the API that concern alerts: they mute accounts, check pushes, and dismiss notices.

use crate::authenticator::Authenticator;
use crate::authenticator::acts::upkeep::notices;
use crate::authenticator::acts::upkeep::push_address;
use crate::authenticator::acts::upkeep::push_health;
use crate::authenticator::acts::upkeep::push_health::{PushHealth, PushTest};
use crate::authenticator::error::Error;
use crate::authenticator::store::Tables;
use crate::base::clock::Timestamp;
use crate::base::points::Point;
use crate::values::account::AccountId;

impl Authenticator {
    /// Mutes an account until `until`, but for at most a day. Returns the time when the mute ends, by this phone's
    /// clock.
    ///
    /// The account's prompts are then stored and listed without an alert; they can be approved, denied and reported as
    /// before. The mute is stored. The notification extension applies the mute, too.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub async fn mute(&self, account: AccountId, until: Timestamp) -> Result<Timestamp, Error> {
        self.act(|core| async move {
            let now = core.ports.clock.now();
            let muted = move |tables: &Tables<'_>| tables.remember(&account, |memory| memory.mute(until, now));
            core.change(Point::Muted, muted).await
        })
        .await
    }

    /// Ends the mute of an account. Does nothing for an account that is not muted.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub async fn unmute(&self, account: AccountId) -> Result<(), Error> {
        self.act(|core| async move {
            let loud = move |tables: &Tables<'_>| tables.remember(&account, |memory| memory.unmute());
            core.change(Point::Unmuted, loud).await
        })
        .await
    }

    /// Renews the push address of every account. Call this method when the platform reports a new push address.
    ///
    /// Returns immediately: the core gets the new addresses and sends them to the services in the background. Without
    /// this call, the core renews each address every 30 days.
    ///
    /// # Errors
    /// `Store`.
    pub async fn push_address_changed(&self) -> Result<(), Error> {
        self.act(|core| async move { push_address::changed(&core).await }).await
    }

    /// Returns whether pushes can reach this phone for an account. Each call reads the device's settings again.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub async fn push_health(&self, account: AccountId) -> Result<PushHealth, Error> {
        self.act(|core| async move { push_health::health(&core, account).await }).await
    }

    /// Asks the service for a test push. The service sends at most one test push in a minute (protocol section 5).
    ///
    /// Returns whether the service has sent the test push. When the push arrives, `push_received` returns
    /// `PushEffect::Test` and `PushHealth::last_received` changes.
    ///
    /// # Errors
    /// `Offline`, `Untrusted`, `Busy`, `Removed`, `UnknownAccount`; `NotAllowedNow` when the account is not active, or
    /// is suspended or limited.
    pub async fn test_push(&self, account: AccountId) -> Result<PushTest, Error> {
        self.act(|core| async move { push_health::test(&core, account).await }).await
    }

    /// Removes a notice from the snapshot and acknowledges it to the service, now or later. A notice that is unknown or
    /// already dismissed is ignored.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub async fn dismiss_notice(&self, account: AccountId, notice: String) -> Result<(), Error> {
        self.act(|core| async move { notices::dismiss(&core, account, notice).await }).await
    }
}
