//! Changing a device's push address.

use crate::clock::Time;
use crate::devices::device::{Device, is_endpoint};
use crate::devices::standing::{Status, may_answer};
use crate::store::{Brand, StoreError, Tx};

/// Proof that a device may get this push address.
pub struct PushAddress<'t> {
    device_id: String,
    endpoint: String,
    _brand: Brand<'t>,
}

/// An active device changes its own push address to a text with the form of a push address, unless the person may not
/// use the app now. The caller has verified the signature of its request.
pub fn by_device<'t>(tx: &mut Tx<'t>, device_id: &str, endpoint: &str) -> Result<Option<PushAddress<'t>>, StoreError> {
    let device = tx.get::<Device>(device_id)?.filter(|device| device.is_active() && is_endpoint(endpoint));
    let Some(device) = device else {
        return Ok(None);
    };
    let allowed = may_answer(tx, &device.account_id)? == Status::Ok;
    let endpoint = endpoint.to_owned();
    Ok(allowed.then(|| PushAddress { device_id: device.id, endpoint, _brand: tx.brand() }))
}

/// Changes the push address.
pub fn act<'t>(tx: &mut Tx<'t>, proof: PushAddress<'t>, _now: Time) -> Result<(), StoreError> {
    tx.update::<Device, _>(&proof.device_id, |device| device.change_endpoint(&proof.endpoint))?.granted();
    Ok(())
}
