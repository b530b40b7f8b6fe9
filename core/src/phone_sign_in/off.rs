//! Turning phone sign-in off.

use super::active;
use crate::account::{AccountId, AccountRecord, SignInKey};
use crate::authenticator::Core;
use crate::error::Error;
use crate::outbox::Entry;
use crate::points::Point;
use crate::removal::{self, Ending};
use crate::retired_keys;
use crate::service::messages::Message;

/// Turns phone sign-in off: the key goes at once, and the service is told now or later.
///
/// # Errors
/// `PhoneSignInOff` when it is off already.
pub(crate) async fn turn_off(core: &Core, id: AccountId) -> Result<Ending, Error> {
    let account = active(core, &id).await?;
    let sign_in = account.sign_in.clone().ok_or(Error::PhoneSignInOff)?;
    let entry = turn_off_entry(core, &account, &sign_in)?.sent_by_the_caller(core.ports.clock.now());
    let stored = entry.clone();
    core.change(Point::TurnedOff, move |tables| {
        tables.set_sign_in(&id, None)?;
        tables.insert_outbox(&stored)
    })
    .await?;
    retired_keys::destroy(core).await?;
    removal::tell(core, &entry).await
}

/// Names the key, so that a late "off" can't undo a newer "on".
pub(crate) fn turn_off_entry(core: &Core, account: &AccountRecord, sign_in: &SignInKey) -> Result<Entry, Error> {
    let message = Message::TurnOff { sign_in_key: sign_in.thumbprint() };
    Entry::new(account, account.endpoints.device.clone(), message, core.ports.clock.now())
}
