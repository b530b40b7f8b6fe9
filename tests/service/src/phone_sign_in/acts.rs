//! What is done to registrations and sign-in keys, each inside one transaction.

use serde::Serialize;

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::records::{Device, SignInKey};
use crate::jose::{Jwk, Unverified};
use crate::notices;
use crate::people::Person;
use crate::phone_sign_in::records::{Registration, RegistrationCode, RegistrationToken, UsedKey};
use crate::phone_sign_in::rules::{
    self, CODE_LIFE, KeyProof, NONCE_LIFE, Pushed, REQUEST_LIFE, Redemption, SCOPE, TOKEN_LIFE, TurnOn, TurnedOn,
};
use crate::policy::records::effective_for;
use crate::prompts;
use crate::secrets::{hashed, random_id};
use crate::store::{StoreError, Tx};

const KEY_TYP: &str = "phone-sign-in-key+jwt";
/// RFC 9126 section 2.2 leaves the form to the server.
pub const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";

/// Keeps a pushed request; returns its `request_uri`.
pub fn push(tx: &mut Tx<'_>, device: &Device, pushed: Pushed, now: Time) -> Result<String, StoreError> {
    let id = random_id().map_err(|_none| StoreError::Stopped)?;
    tx.put(&Registration {
        id: hashed(id.as_bytes()),
        redirect_uri: pushed.redirect_uri,
        state: pushed.state,
        code_challenge: pushed.code_challenge,
        device_id: device.id.clone(),
        account_id: device.account_id.clone(),
        expires_at: now + REQUEST_LIFE,
    })?;
    audit::record(tx, &device.account_id, "registration_asked", &device.id, now)?;
    Ok(format!("{REQUEST_URI}{id}"))
}

/// Takes a pushed request, once.
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

/// The person has agreed to register the device: a code for it.
pub fn issue_code(tx: &mut Tx<'_>, registration: Registration, now: Time) -> Result<String, StoreError> {
    let code = random_id().map_err(|_none| StoreError::Stopped)?;
    audit::record(tx, &registration.account_id, "registration_agreed", &registration.device_id, now)?;
    tx.put(&RegistrationCode { id: hashed(code.as_bytes()), registration, expires_at: now + CODE_LIFE, token: None })?;
    Ok(code)
}

/// The token response (protocol section 10.1).
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: Time,
    scope: &'static str,
    nonce: String,
    nonce_expires_in: Time,
    sub: String,
}

/// Redeems a code, once; one that comes twice ends the token it gave.
pub fn redeem(tx: &mut Tx<'_>, code: &str, by: &Redemption<'_>, now: Time) -> Result<Option<Tokens>, StoreError> {
    let Some(mut code) = tx.get::<RegistrationCode>(&hashed(code.as_bytes()))? else {
        return Ok(None);
    };
    if let Some(token) = &code.token {
        tx.delete::<RegistrationToken>(token)?;
        return Ok(None);
    }
    let Some(device) = tx.get::<Device>(&code.registration.device_id)? else {
        return Ok(None);
    };
    if !rules::redeemable(&code, &device, by, now) {
        return Ok(None);
    }
    let (Ok(access_token), Ok(nonce)) = (random_id(), random_id()) else {
        return Err(StoreError::Stopped);
    };
    let token = RegistrationToken {
        id: hashed(access_token.as_bytes()),
        device_id: device.id,
        account_id: device.account_id.clone(),
        nonce: hashed(nonce.as_bytes()),
        nonce_expires_at: now + NONCE_LIFE,
        expires_at: now + TOKEN_LIFE,
        spent_by: None,
    };
    code.token = Some(token.id.clone());
    tx.put(&token)?;
    tx.put(&code)?;
    Ok(Some(Tokens {
        access_token,
        token_type: "DPoP",
        expires_in: TOKEN_LIFE,
        scope: SCOPE,
        nonce,
        nonce_expires_in: NONCE_LIFE,
        sub: device.account_id,
    }))
}

/// Registers a sign-in key (protocol section 10.1, step 6).
pub fn turn_on(
    tx: &mut Tx<'_>,
    app: &App,
    device: &mut Device,
    token: &str,
    proof: &str,
    now: Time,
) -> Result<TurnedOn, StoreError> {
    let Some((key, claims)) = read_proof(proof) else {
        return Ok(TurnedOn::Refused);
    };
    let Some(token) = tx.get::<RegistrationToken>(&hashed(token.as_bytes()))? else {
        // Swept, or ended by a change of the account: as good as too old.
        return Ok(TurnedOn::Expired);
    };
    let (thumbprint, fingerprint) = (key.thumbprint(), hashed(proof.as_bytes()));
    let decided = rules::turn_on(
        &TurnOn {
            issuer: &app.config.issuer,
            device,
            token: &token,
            proof: &claims,
            fingerprint: &fingerprint,
            key_used: tx.get::<UsedKey>(&thumbprint)?.is_some() || thumbprint == device.key.thumbprint(),
            key_is_on: device.sign_in.as_ref().is_some_and(|sign_in| sign_in.key == key),
            allowed: policy_allows(tx, &device.account_id)?,
        },
        now,
    );
    audit::record(tx, &device.account_id, told(decided), &device.id, now)?;
    if decided != TurnedOn::Done || token.spent_by.is_some() {
        return Ok(decided);
    }
    tx.put(&UsedKey { thumbprint, device_id: device.id.clone(), at: now })?;
    tx.put(&RegistrationToken { spent_by: Some(fingerprint), ..token })?;
    device.sign_in = Some(SignInKey { key, registered_at: now });
    tx.put(device)?;
    notices::tell(tx, &device.account_id, Some(&device.id), notices::Kind::PhoneSignInOn, now)?;
    Ok(TurnedOn::Done)
}

/// Whether suspension and policy allow phone sign-in at present.
pub(crate) fn policy_allows(tx: &mut Tx<'_>, account_id: &str) -> Result<bool, StoreError> {
    match tx.get::<Person>(account_id)? {
        Some(person) => Ok(!person.suspended && effective_for(tx, &person)?.allows_phone_sign_in()),
        None => Ok(false),
    }
}

fn told(decided: TurnedOn) -> &'static str {
    match decided {
        TurnedOn::Done => "phone_sign_in_on",
        TurnedOn::NotAllowed | TurnedOn::Expired | TurnedOn::Refused => "phone_sign_in_refused",
    }
}

/// Reads the proof by the key that it brings: only that the holder signed it is known after this.
fn read_proof(proof: &str) -> Option<(Jwk, KeyProof)> {
    Unverified::by_jwk(proof, KEY_TYP).ok()?.verify_own().ok()
}

/// Takes a sign-in key off; false when the device has another one, or none.
pub fn turn_off(tx: &mut Tx<'_>, device: &mut Device, thumbprint: &str, now: Time) -> Result<bool, StoreError> {
    if device.sign_in.as_ref().is_none_or(|sign_in| sign_in.key.thumbprint() != thumbprint) {
        return Ok(false);
    }
    device.sign_in = None;
    device.turned_off_at = Some(now);
    tx.put(device)?;
    audit::record(tx, &device.account_id, "phone_sign_in_off", &device.id, now)?;
    notices::tell(tx, &device.account_id, Some(&device.id), notices::Kind::PhoneSignInOff, now)?;
    prompts::acts::end_without_devices(tx, &device.account_id, now)?;
    Ok(true)
}

/// Ends every registration of an account that is under way.
pub fn end_registrations(tx: &mut Tx<'_>, account_id: &str) -> Result<(), StoreError> {
    for registration in tx.children::<Registration>(account_id)? {
        tx.delete::<Registration>(&registration.id)?;
    }
    for code in tx.children::<RegistrationCode>(account_id)? {
        tx.delete::<RegistrationCode>(&code.id)?;
    }
    for token in tx.children::<RegistrationToken>(account_id)? {
        if token.spent_by.is_none() {
            tx.delete::<RegistrationToken>(&token.id)?;
        }
    }
    Ok(())
}
