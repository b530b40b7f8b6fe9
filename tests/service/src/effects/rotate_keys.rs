//! Rotating the keys that sign messages to phones.

use crate::audit;
use crate::clock::Time;
use crate::keys::{self, KeyRecord, PHONE, Turn};
use crate::secrets::Sealer;
use crate::store::{Brand, StoreError, Tx};

/// Proof that a step of a key rotation may happen now.
pub struct RotateKeys<'t> {
    keys: KeyRecord,
    step: Step,
    _brand: Brand<'t>,
}

enum Step {
    Publish,
    Drop,
}

/// Checks which step is due because of the age of the keys. Returns `None` if no step is due.
pub fn when_due<'t>(tx: &mut Tx<'t>, now: Time) -> Result<Option<RotateKeys<'t>>, StoreError> {
    let keys = keys::stored(tx)?;
    let step = match keys.turn(now) {
        Turn::Stay => None,
        Turn::Publish if keys.has_room() => Some(Step::Publish),
        Turn::Publish => {
            tracing::error!("the chain of key documents has its maximum length, so no new key is published");
            None
        }
        Turn::Drop => Some(Step::Drop),
    };
    Ok(step.map(|step| RotateKeys { keys, step, _brand: tx.brand() }))
}

/// The operator publishes the next key before it is due. Returns `None` if a next key is already published, or if the
/// chain of key documents has its maximum length.
pub(crate) fn by_operator<'t>(tx: &mut Tx<'t>) -> Result<Option<RotateKeys<'t>>, StoreError> {
    let keys = keys::stored(tx)?;
    // GUARD(one-successor): parallel_rotations_make_one_new_key
    // INSTEAD: let is_possible = keys.has_room();
    let is_possible = keys.has_room() && keys.next_signs_from().is_none();
    Ok(is_possible.then(|| RotateKeys { keys, step: Step::Publish, _brand: tx.brand() }))
}

/// Publishes the next key, or drops the old key.
pub fn act<'t>(tx: &mut Tx<'t>, proof: RotateKeys<'t>, sealer: &Sealer, now: Time) -> Result<(), StoreError> {
    let mut keys = proof.keys;
    let (word, key) = match proof.step {
        Step::Publish => ("phone_key_published", keys.publish(sealer, now)?),
        Step::Drop => ("phone_key_in_use", keys.drop_old(sealer, now)?),
    };
    tx.update::<KeyRecord, _>(PHONE, |stored| stored.clone_from(&keys))?.granted();
    audit::record(tx, "", word, &key, now)
}
