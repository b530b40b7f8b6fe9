//! Unblocking an account: wrong numbers so far no longer count.

use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::devices::device::Device;
use crate::devices::standing::{Status, may_answer};
use crate::people::person::Person;
use crate::prompts::change::Act;
use crate::provenance::Given;
use crate::store::{Brand, StoreError, Tx};

/// Proof that the account may be unblocked.
pub struct Unblock<'t> {
    account_id: String,
    /// What an administrator's approval gives. `None` for a device.
    given: Option<Given>,
    /// The device or the administrator, for the audit log.
    about: String,
    _brand: Brand<'t>,
}

/// An active device unblocks its own account, unless the person may not use the app now. The caller has verified the
/// signature of its request.
pub fn by_device<'t>(tx: &mut Tx<'t>, device_id: &str) -> Result<Option<Unblock<'t>>, StoreError> {
    let Some(device) = tx.get::<Device>(device_id)?.filter(Device::is_active) else {
        return Ok(None);
    };
    let allowed = may_answer(tx, &device.account_id)? == Status::Ok;
    Ok(allowed.then(|| Unblock { account_id: device.account_id, given: None, about: device.id, _brand: tx.brand() }))
}

/// Checks the authority to unblock an account.
pub fn by_authority<'t>(
    tx: &mut Tx<'t>,
    authority: Authority<'t>,
    now: Time,
) -> Result<Option<Unblock<'t>>, StoreError> {
    let Act::Unblock(account_id) = authority.act() else {
        return Ok(None);
    };
    let (person, given) = (tx.get::<Person>(account_id)?, Some(authority.given(now)));
    let about = authority.actor().to_owned();
    Ok(person.map(|person| Unblock { account_id: person.account_id, given, about, _brand: tx.brand() }))
}

/// Unblocks the account.
pub fn act<'t>(tx: &mut Tx<'t>, proof: Unblock<'t>, now: Time) -> Result<(), StoreError> {
    let Unblock { account_id, given, about, _brand } = proof;
    tx.update::<Person, _>(&account_id, |person| person.set_unblocked(given, now))?.granted();
    audit::record(tx, &account_id, "unblocked", &about, now)
}
