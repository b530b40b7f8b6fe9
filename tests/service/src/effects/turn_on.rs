//! Turning phone sign-in on: a device gets a sign-in key (protocol section 10.1, step 6).

use crate::audit;
use crate::clock::Time;
use crate::devices::device::{Device, SignInKey};
use crate::jose::Jwk;
use crate::notices;
use crate::people::person::Person;
use crate::phone_sign_in::records::UsedKey;
use crate::phone_sign_in::registration::RegistrationToken;
use crate::phone_sign_in::rules::{self, KeyProof, TurnedOn};
use crate::policy::records::effective_for;
use crate::provenance::Giver;
use crate::secrets::hashed;
use crate::store::{Brand, StoreError, Tx};
use crate::verdict::Verdict;

/// A sign-in key, and the proof that the key signed.
pub struct Proved {
    /// The key.
    pub key: Jwk,
    /// The payload of the proof.
    pub claims: KeyProof,
    /// SHA-256 of the proof's JWS.
    pub fingerprint: String,
}

/// Proof that a device may get this sign-in key. Its token is spent.
pub struct TurnOn<'t> {
    device: Device,
    token: RegistrationToken,
    key: Jwk,
    _brand: Brand<'t>,
}

/// Checks a device's request to turn phone sign-in on, and spends its token. Returns the result for the phone if there
/// is nothing to do.
pub fn check<'t>(
    tx: &mut Tx<'t>,
    issuer: &str,
    device_id: &str,
    token: &str,
    proved: &Proved,
    now: Time,
) -> Result<Verdict<TurnOn<'t>, TurnedOn>, StoreError> {
    let device = tx.get::<Device>(device_id)?.ok_or(StoreError::Stopped)?;
    let stored = match tx.get::<RegistrationToken>(&hashed(token.as_bytes())) {
        // The token of another account is as good as an unknown one.
        Err(StoreError::OtherAccount) => None,
        found => found?,
    };
    let Some(token) = stored.filter(|token| token.given.by != Giver::Unrecorded) else {
        // There are three reasons why a token is not stored: it has expired and was deleted; a change of the account
        // ended it; or it never existed. The phone gets the same result in all three cases, and for a token of version
        // 0.1, which did not record what gave it.
        return Ok(Verdict::Refused(TurnedOn::Expired));
    };
    let thumbprint = proved.key.thumbprint();
    let decided = rules::turn_on(
        &rules::TurnOn {
            issuer,
            device: &device,
            token: &token,
            proof: &proved.claims,
            fingerprint: &proved.fingerprint,
            key_used: tx.get::<UsedKey>(&thumbprint)?.is_some()
                // GUARD(device-key-as-sign-in-key): sign_in_key_needs_a_complete_proof
                || thumbprint == device.key.thumbprint(),
            key_is_on: device.sign_in.as_ref().is_some_and(|sign_in| sign_in.key == proved.key),
            allowed: is_allowed(tx, &device.account_id)?,
        },
        now,
    );
    // A repeated message gets the same result and no second entry in the audit log.
    if decided == TurnedOn::Done && token.spent_by.is_some() {
        return Ok(Verdict::Refused(TurnedOn::Done));
    }
    if decided != TurnedOn::Done {
        audit::record(tx, &device.account_id, "phone_sign_in_refused", &device.id, now)?;
        return Ok(Verdict::Refused(decided));
    }
    let spent = |token: &mut RegistrationToken| token.spent_by = Some(proved.fingerprint.clone());
    tx.update(&token.id, spent)?.granted();
    Ok(Verdict::Granted(TurnOn { device, token, key: proved.key.clone(), _brand: tx.brand() }))
}

/// Registers the sign-in key. Notifies the account's other phones.
pub fn act<'t>(tx: &mut Tx<'t>, proof: TurnOn<'t>, now: Time) -> Result<(), StoreError> {
    let TurnOn { device, token, key, _brand } = proof;
    tx.insert(&UsedKey { thumbprint: key.thumbprint(), device_id: device.id.clone(), at: now })?;
    let sign_in = SignInKey { key, given: token.given.passed_on(now) };
    tx.update::<Device, _>(&device.id, |device| device.sign_in = Some(sign_in))?.granted();
    audit::record(tx, &device.account_id, "phone_sign_in_on", &device.id, now)?;
    notices::notify(tx, &device.account_id, Some(&device.id), notices::Kind::PhoneSignInOn, now)
}

/// Returns whether the person is not suspended and the policy allows phone sign-in.
pub fn is_allowed(tx: &mut Tx<'_>, account_id: &str) -> Result<bool, StoreError> {
    match tx.get::<Person>(account_id)? {
        Some(person) => Ok(!person.suspended && effective_for(tx, &person)?.allows_phone_sign_in()),
        None => Ok(false),
    }
}
