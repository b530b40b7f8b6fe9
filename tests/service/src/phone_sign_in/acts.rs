//! Operations on registrations and sign-in keys. The caller provides the transaction.

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::device::Device;
use crate::devices::records::DeviceKey;
use crate::digits;
use crate::effects::phone_code::{self, Tokens};
use crate::effects::turn_on::{self, Proved};
use crate::jose::{Jwk, Unverified};
use crate::phone_sign_in::registration::{NewPhone, Purpose, Registration};
use crate::phone_sign_in::rules::{Introduced, KeyProof, Pushed, REQUEST_LIFE, Redemption, TurnedOn};
use crate::provenance::Given;
use crate::secrets::{hashed, random_id, same};
use crate::store::{StoreError, Tx};
use crate::verdict::Verdict;

const KEY_TYP: &str = "phone-sign-in-key+jwt";
/// Prefix of a `request_uri`. RFC 9126 section 2.2 leaves the format to the server.
pub const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";

/// Stores a pushed authorization request and returns its `request_uri`. Returns `None` if the key that signed the DPoP
/// proof is refused. To turn phone sign-in on, the key must be the device key of an active device. To add a phone, the
/// key must not belong to any device.
pub fn push(tx: &mut Tx<'_>, pushed: &Pushed, now: Time) -> Result<Option<String>, StoreError> {
    let device = match tx.get::<DeviceKey>(&pushed.dpop_jkt)? {
        Some(key) => tx.get::<Device>(&key.device_id)?,
        None => None,
    };
    let name = random_id()?;
    let id = hashed(name.as_bytes());
    let (purpose, account_id) = match (&pushed.new_phone, device) {
        (None, Some(device)) if device.is_active() => {
            (Purpose::TurnOn { device_id: device.id }, Some(device.account_id))
        }
        (Some(phone), None) => {
            let digits = digits_of(&id, &phone.digits);
            let Introduced { name, model, .. } = phone.clone();
            (Purpose::AddPhone(NewPhone { jkt: pushed.dpop_jkt.clone(), name, model, digits, wrong_digits: 0 }), None)
        }
        (None, _) | (Some(_), Some(_)) => return Ok(None),
    };
    let account = account_id.as_deref().unwrap_or_default();
    audit::record(tx, account, "registration_asked", purpose.about(), now)?;
    tx.insert(&Registration {
        id,
        redirect_uri: pushed.redirect_uri.clone(),
        state: pushed.state.clone(),
        code_challenge: pushed.code_challenge.clone(),
        purpose,
        account_id,
        expires_at: now + REQUEST_LIFE,
        given: Given::by_device_key(&pushed.dpop_jkt, now),
    })?;
    Ok(Some(format!("{REQUEST_URI}{name}")))
}

fn digits_of(registration: &str, digits: &str) -> String {
    hashed(format!("{registration} {digits}").as_bytes())
}

/// Returns whether the typed digits, in any script, are those that the phone shows. Spaces are ignored.
#[must_use]
pub fn are_digits(registration: &Registration, phone: &NewPhone, typed: &str) -> bool {
    let typed = digits::typed(typed);
    // GUARD(phone-digits): j5_w2_the_third_wrong_entry_of_digits_ends_adding
    // INSTEAD: !digits_of(&registration.id, &typed).is_empty() && !phone.digits.is_empty()
    same(&digits_of(&registration.id, &typed), &phone.digits)
}

/// Removes a pushed authorization request from the store and returns it. Each request therefore works once. Returns
/// `None` if the request is unknown or has expired.
pub fn take(tx: &mut Tx<'_>, request_uri: &str, now: Time) -> Result<Option<Registration>, StoreError> {
    let Some(id) = request_uri.strip_prefix(REQUEST_URI).map(|id| hashed(id.as_bytes())) else {
        return Ok(None);
    };
    let found = tx.get::<Registration>(&id)?.filter(|registration| registration.expires_at > now);
    if found.is_some() {
        tx.delete::<Registration>(&id)?;
    }
    Ok(found)
}

/// Redeems an authorization code for a token, once. Returns `None` if the authorization code can't be redeemed. A
/// second use of the authorization code ends the token that the first use returned.
pub fn redeem(
    tx: &mut Tx<'_>,
    app: &App,
    code: &str,
    by: &Redemption<'_>,
    now: Time,
) -> Result<Option<Tokens>, StoreError> {
    match phone_code::check_code(tx, code, by, now)? {
        Some(proof) => phone_code::issue_token(tx, proof, &app.config.organization, by.jkt, now).map(Some),
        None => Ok(None),
    }
}

/// Registers a sign-in key (protocol section 10.1, step 6).
pub fn turn_on(
    tx: &mut Tx<'_>,
    app: &App,
    device_id: &str,
    token: &str,
    proof: &str,
    now: Time,
) -> Result<TurnedOn, StoreError> {
    match read_proof(proof) {
        Some((key, claims)) => {
            let proved = Proved { key, claims, fingerprint: hashed(proof.as_bytes()) };
            register(tx, app, device_id, token, &proved, now)
        }
        None => Ok(TurnedOn::Refused),
    }
}

/// Does the same as `turn_on`, for a proof whose signature was already verified.
pub fn register(
    tx: &mut Tx<'_>,
    app: &App,
    device_id: &str,
    token: &str,
    proved: &Proved,
    now: Time,
) -> Result<TurnedOn, StoreError> {
    match turn_on::check(tx, &app.config.issuer, device_id, token, proved, now)? {
        Verdict::Granted(proof) => {
            turn_on::act(tx, proof, now)?;
            Ok(TurnedOn::Done)
        }
        Verdict::Refused(result) => Ok(result),
    }
}

/// Verifies the proof with the key in the proof's header. A valid signature shows only that the sender has the private
/// key.
fn read_proof(proof: &str) -> Option<(Jwk, KeyProof)> {
    Unverified::by_jwk(proof, KEY_TYP).ok()?.verify_own().ok()
}
