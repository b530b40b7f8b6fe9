//! What reaches the person without their looking: pushes, notices, and that an account is silent for a while.

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
    /// Mutes an account until `until`, for a day at most, and says when it ends: its prompts are kept and listed, and
    /// alert nobody. They can be answered, denied and reported as ever.
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

    /// Lets an account alert again.
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

    /// The platform has handed out another push address: every service is told, now or later.
    ///
    /// Addresses are renewed once a month without this call too.
    ///
    /// # Errors
    /// `Store`.
    pub async fn push_address_changed(&self) -> Result<(), Error> {
        self.act(|core| async move { push_address::changed(&core).await }).await
    }

    /// How pushes fare for an account; looks at the device's settings anew each time.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub async fn push_health(&self, account: AccountId) -> Result<PushHealth, Error> {
        self.act(|core| async move { push_health::health(&core, account).await }).await
    }

    /// "Send me a test": has the service send a push that only shows that pushes arrive, at most one a minute.
    ///
    /// When it comes, `push_received` says `PushEffect::Test`, and `PushHealth::last_received` moves.
    ///
    /// # Errors
    /// `Offline`, `Busy`, `Removed`, `NotAllowedNow`, `UnknownAccount`.
    pub async fn test_push(&self, account: AccountId) -> Result<PushTest, Error> {
        self.act(|core| async move { push_health::test(&core, account).await }).await
    }

    /// Takes a notice off the screen; the service is told that it was seen.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub async fn dismiss_notice(&self, account: AccountId, notice: String) -> Result<(), Error> {
        self.act(|core| async move { notices::dismiss(&core, account, notice).await }).await
    }
}
