//! Turns phone sign-in off (protocol section 10.3).

use crate::authenticator::acts::phone_sign_in::requirements::active;
use crate::authenticator::acts::upkeep::removal;
use crate::authenticator::acts::upkeep::removal::Ending;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::outbox_entry::Entry;
use crate::base::points::Point;
use crate::values::account::AccountId;

/// Turns phone sign-in off: retires and deletes the sign-in key, and informs the service now or later.
///
/// One transaction retires the key and stores the message to the service. After this transaction the phone no longer
/// uses the key. If the key store can't delete the key now, the deletion is retried later.
///
/// # Errors
/// `UnknownAccount`, `Removed`; `PhoneSignInOff` when phone sign-in is already off.
pub(crate) async fn turn_off(core: &Core, id: AccountId) -> Result<Ending, Error> {
    let account = active(core, &id).await?;
    let sign_in = account.sign_in.clone().ok_or(Error::PhoneSignInOff)?;
    let now = core.ports.clock.now();
    let entry = Entry::turn_off(&account, &sign_in, now)?.leased_by_caller(now);
    let stored = entry.clone();
    core.change(Point::TurnedOff, move |tables| {
        tables.set_sign_in(&id, None)?;
        tables.insert_outbox(&stored)
    })
    .await?;
    retired_keys::destroy(core).await?;
    removal::send(core, &entry).await
}
