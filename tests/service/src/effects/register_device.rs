//! Registering a device: a phone with the code of an enrollment becomes a pending device.

use crate::audit;
use crate::clock::Time;
use crate::devices::device::{Claimed, Device, Subscription};
use crate::devices::records::DeviceKey;
use crate::endings::remove_pending_device;
use crate::enrollment::rules::{self, Bind, Refusal};
use crate::enrollment::state::Enrollment;
use crate::jose::Jwk;
use crate::secrets::random_id;
use crate::store::{Brand, StoreError, Tx};
use crate::verdict::Verdict;

/// Proof that the phone of a bind request may become, or already is, the pending device of an enrollment.
pub struct RegisterDevice<'t> {
    enrollment: Enrollment,
    device_id: String,
    bind: Bind,
    _brand: Brand<'t>,
}

/// Checks a bind: the enrollment waits for a phone, and the phone has the code. `proven`: whether the MAC of the bind is
/// correct.
pub fn check<'t>(
    tx: &mut Tx<'t>,
    enrollment: &Enrollment,
    code_id: &str,
    key: &Jwk,
    proven: bool,
    now: Time,
) -> Result<Verdict<RegisterDevice<'t>, Refusal>, StoreError> {
    let bound = match &enrollment.device_id {
        Some(id) => tx.get::<Device>(id)?,
        None => None,
    };
    let (same_key, new_id) = (bound.is_some_and(|device| device.key == *key), random_id()?);
    let bind = |stored: &mut Enrollment| (rules::bind(stored, code_id, proven, same_key, &new_id, now), stored.clone());
    let decided = tx.update(&enrollment.scanned.id, bind)?.granted();
    let (decided, enrollment) = decided.ok_or(StoreError::Stopped)?;
    remove_pending_device(tx, &enrollment, now)?;
    Ok(match (decided, enrollment.device_id.clone()) {
        (Ok(bind), Some(device_id)) => {
            Verdict::Granted(RegisterDevice { enrollment, device_id, bind, _brand: tx.brand() })
        }
        (Err(refusal), _) => Verdict::Refused(refusal),
        (Ok(_), None) => return Err(StoreError::Stopped),
    })
}

/// What a phone states about itself, with its keys.
pub struct Phone<'a> {
    /// The device key.
    pub key: &'a Jwk,
    /// The facts that the phone states about itself. They are not verified.
    pub claimed: &'a Claimed,
    /// The push address and keys.
    pub push: &'a Subscription,
    /// The features that the phone named.
    pub features: &'a [String],
    /// The phone's network.
    pub network: &'a str,
}

/// Stores the pending device, and returns its id. A phone that repeats its bind stays the same device.
pub fn act<'t>(tx: &mut Tx<'t>, proof: RegisterDevice<'t>, phone: &Phone<'_>, now: Time) -> Result<String, StoreError> {
    if proof.bind == Bind::New {
        let (id, account_id) = (proof.device_id.clone(), proof.enrollment.account_id);
        let given = proof.enrollment.given.passed_on(now);
        let mut device =
            Device::pending(id, account_id, phone.key.clone(), phone.claimed.clone(), phone.push.clone(), given, now);
        device.features = phone.features.to_vec();
        device.seen_from(phone.network, now);
        let key = DeviceKey { thumbprint: device.key.thumbprint(), device_id: device.id.clone() };
        tx.insert_or_update(&key, |stored| stored.device_id.clone_from(&key.device_id))?;
        tx.insert(&device)?;
        audit::record(tx, &device.account_id, "device_bound", &device.id, now)?;
    }
    Ok(proof.device_id)
}
