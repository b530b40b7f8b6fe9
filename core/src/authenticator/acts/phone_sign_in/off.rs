//! Turning phone sign-in off.

use crate::authenticator::acts::phone_sign_in::requirements::active;
use crate::authenticator::acts::upkeep::removal;
use crate::authenticator::acts::upkeep::removal::Ending;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::outbox_entry::Entry;
use crate::base::points::Point;
use crate::values::account::AccountId;

/// Turns phone sign-in off: the key goes at once, and the service is told now or later.
///
/// # Errors
/// `PhoneSignInOff` when it is off already.
pub(crate) async fn turn_off(core: &Core, id: AccountId) -> Result<Ending, Error> {
    let account = active(core, &id).await?;
    let sign_in = account.sign_in.clone().ok_or(Error::PhoneSignInOff)?;
    let now = core.ports.clock.now();
    let entry = Entry::turn_off(&account, &sign_in, now)?.sent_by_the_caller(now);
    let stored = entry.clone();
    core.change(Point::TurnedOff, move |tables| {
        tables.set_sign_in(&id, None)?;
        tables.insert_outbox(&stored)
    })
    .await?;
    retired_keys::destroy(core).await?;
    removal::send(core, &entry).await
}
