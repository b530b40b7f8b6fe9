//! Removing a method: a device becomes a tombstone.

use super::add_method;
use super::approval::Approval;
use crate::clock::Time;
use crate::devices::device::{Cause, Device};
use crate::endings::{Ending, end};
use crate::prompts::change::Change;
use crate::provenance::{ApprovedBy, Given};
use crate::store::{Brand, StoreError, Tx};

/// Proof that this device may be removed.
pub struct RemoveMethod<'t> {
    device: Device,
    cause: Cause,
    given: Given,
    _brand: Brand<'t>,
}

/// Checks that removing this device was approved, and that it is active. Returns `None` otherwise.
pub fn by_approval<'t>(tx: &mut Tx<'t>, approval: Approval<'t>) -> Result<Option<RemoveMethod<'t>>, StoreError> {
    let Some(Change::RemoveMethod(device_id)) = approval.change() else {
        return Ok(None);
    };
    let device = tx.get::<Device>(device_id)?;
    let ours = device.filter(|device| device.account_id == approval.account_id() && device.is_active());
    let (cause, given) = (Cause::RemovedByPerson, approval.given());
    Ok(ours.map(|device| RemoveMethod { device, cause, given, _brand: tx.brand() }))
}

/// A device may remove itself. The caller has verified the signature of its request.
pub fn by_device<'t>(tx: &mut Tx<'t>, device_id: &str, now: Time) -> Result<Option<RemoveMethod<'t>>, StoreError> {
    let device = tx.get::<Device>(device_id)?.filter(Device::is_active);
    Ok(device.map(|device| {
        // If the phone is reported lost, its own removal counts like an approval.
        let own = ApprovedBy {
            ceremony: String::new(),
            device: device.id.clone(),
            at: now,
            administers: false,
            acted_at: None,
        };
        let given = Given::by_device_key(&device.key.thumbprint(), now).after(&[own]);
        RemoveMethod { device, cause: Cause::RemovedByPhone, given, _brand: tx.brand() }
    }))
}

/// Removes the device with what it holds, and ends every unfinished adding of a phone. Notifies the other phones.
pub fn act<'t>(tx: &mut Tx<'t>, proof: RemoveMethod<'t>, now: Time) -> Result<(), StoreError> {
    let RemoveMethod { device, cause, given, _brand } = proof;
    let _ended = end(tx, &device.account_id, &Ending::Removed { device: device.id, cause }, now)?;
    add_method::record_removal(tx, &device.account_id, &given)
}
