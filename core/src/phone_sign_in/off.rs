//! Turning phone sign-in off.

use super::requirements::active;
use crate::account::AccountId;
use crate::context::Core;
use crate::error::Error;
use crate::outbox::entry::Entry;
use crate::points::Point;
use crate::removal::{self, Ending};
use crate::retired_keys;

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
    removal::tell(core, &entry).await
}
