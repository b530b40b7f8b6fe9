//! Turning phone sign-in off: a device loses its sign-in key.

use crate::clock::Time;
use crate::devices::device::Device;
use crate::endings::{Ending, end};
use crate::phone_sign_in::rules::turns_off;
use crate::store::{Brand, StoreError, Tx};

/// Proof that the device may lose its sign-in key.
pub struct TurnOff<'t> {
    device: Device,
    _brand: Brand<'t>,
}

/// An active device turns its own phone sign-in off. Returns `None` if its sign-in key has another thumbprint, so that
/// a late request does not remove a newer key. The caller has verified the signature of the request.
pub fn by_device<'t>(tx: &mut Tx<'t>, device_id: &str, thumbprint: &str) -> Result<Option<TurnOff<'t>>, StoreError> {
    let device = tx.get::<Device>(device_id)?;
    let fits = device.filter(|device| device.is_active() && turns_off(device, thumbprint));
    Ok(fits.map(|device| TurnOff { device, _brand: tx.brand() }))
}

/// Removes the sign-in key, and ends the device's unused tokens for turning phone sign-in on.
pub fn act<'t>(tx: &mut Tx<'t>, proof: TurnOff<'t>, now: Time) -> Result<(), StoreError> {
    end(tx, &proof.device.account_id, &Ending::TurnedOff(proof.device.id), now).map(|_ended| ())
}
