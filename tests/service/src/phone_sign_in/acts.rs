//! Operations on registrations and sign-in keys. The caller provides the transaction.

use serde::Serialize;

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::device::{Device, SignInKey};
use crate::devices::records::DeviceKey;
use crate::endings::end_registration_token;
use crate::features::{self, Feature};
use crate::jose::{Jwk, Unverified};
use crate::keys;
use crate::notices;
use crate::people::person::Person;
use crate::phone_sign_in::records::{PhoneToken, UsedKey};
use crate::phone_sign_in::registration::{NewPhone, Purpose, Registration, RegistrationCode, RegistrationToken};
use crate::phone_sign_in::rules::{
    self, ADD_SCOPE, CODE_LIFE, Introduced, KeyProof, NONCE_LIFE, Pushed, REQUEST_LIFE, Redemption, TOKEN_LIFE,
    TURN_ON_SCOPE, TurnOn, TurnedOn, Worth,
};
use crate::policy::records::effective_for;
use crate::secrets::{hashed, random_id, same};
use crate::store::{StoreError, Tx};

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
    })?;
    Ok(Some(format!("{REQUEST_URI}{name}")))
}

fn digits_of(registration: &str, digits: &str) -> String {
    hashed(format!("{registration} {digits}").as_bytes())
}

/// Returns whether the typed digits are those that the phone shows. Spaces are ignored.
#[must_use]
pub fn are_digits(registration: &Registration, phone: &NewPhone, typed: &str) -> bool {
    let typed: String = typed.chars().filter(|character| !character.is_whitespace()).collect();
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

/// Creates the authorization code for the phone. Called when the person has agreed.
pub fn issue_code(
    tx: &mut Tx<'_>,
    registration: Registration,
    account_id: &str,
    now: Time,
) -> Result<String, StoreError> {
    let code = random_id()?;
    audit::record(tx, account_id, "registration_agreed", registration.purpose.about(), now)?;
    let registration = Registration { account_id: Some(account_id.to_owned()), ..registration };
    let id = hashed(code.as_bytes());
    tx.insert(&RegistrationCode { id, registration, expires_at: now + CODE_LIFE, token: None })?;
    Ok(code)
}

/// The token response, for turning phone sign-in on (protocol section 10.1) or for adding a phone (section 11).
#[derive(Serialize)]
#[serde(untagged)]
pub enum Tokens {
    /// Scope `device_registration`.
    TurnOn(TurnOnTokens),
    /// Scope `enrollment`.
    AddPhone(PhoneTokens),
}

/// The token to turn phone sign-in on, with the nonce that the new key must sign.
#[derive(Serialize)]
pub struct TurnOnTokens {
    /// The DPoP-bound access token.
    pub access_token: String,
    token_type: &'static str,
    expires_in: Time,
    scope: &'static str,
    /// The nonce.
    pub nonce: String,
    nonce_expires_in: Time,
    sub: String,
    features: &'static [Feature],
}

/// The token to add a phone, with the facts about the account that the phone needs.
#[derive(Serialize)]
pub struct PhoneTokens {
    /// The DPoP-bound access token.
    pub access_token: String,
    token_type: &'static str,
    expires_in: Time,
    scope: &'static str,
    sub: String,
    user_name: String,
    organization: String,
    keys: String,
    time: Time,
    features: &'static [Feature],
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
    let Some(code) = tx.get::<RegistrationCode>(&hashed(code.as_bytes()))? else {
        return Ok(None);
    };
    let device = match &code.registration.purpose {
        Purpose::TurnOn { device_id } => tx.get::<Device>(device_id)?,
        Purpose::AddPhone(_) => None,
    };
    match rules::worth(&code, device.as_ref(), by, now) {
        Worth::Token => {}
        Worth::UsedBefore { token } => {
            // GUARD(code-used-twice): j4_w5_w6_authorization_code_works_once_for_its_phone, turning_on_phone_sign_in_at_the_phone_has_no_fault
            end_registration_token(tx, token)?;
            return Ok(None);
        }
        Worth::Nothing => return Ok(None),
    }
    let account_id = code.registration.account_id.clone().unwrap_or_default();
    let Some(person) = tx.get::<Person>(&account_id)? else {
        return Ok(None);
    };
    let tokens = match device {
        Some(device) => Tokens::TurnOn(turn_on_tokens(tx, &device, now)?),
        None => Tokens::AddPhone(phone_tokens(tx, app, person, by.jkt, now)?),
    };
    let (Tokens::TurnOn(TurnOnTokens { access_token, .. }) | Tokens::AddPhone(PhoneTokens { access_token, .. })) =
        &tokens;
    let token = Some(hashed(access_token.as_bytes()));
    tx.update::<RegistrationCode, _>(&code.id, |code| code.token = token)?.granted();
    Ok(Some(tokens))
}

/// Creates a token with which a device can turn phone sign-in on.
pub fn turn_on_tokens(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<TurnOnTokens, StoreError> {
    let (Ok(access_token), Ok(nonce)) = (random_id(), random_id()) else {
        return Err(StoreError::Stopped);
    };
    tx.insert(&RegistrationToken {
        id: hashed(access_token.as_bytes()),
        device_id: device.id.clone(),
        account_id: device.account_id.clone(),
        nonce: hashed(nonce.as_bytes()),
        nonce_expires_at: now + NONCE_LIFE,
        expires_at: now + TOKEN_LIFE,
        spent_by: None,
    })?;
    Ok(TurnOnTokens {
        access_token,
        token_type: "DPoP",
        expires_in: TOKEN_LIFE,
        scope: TURN_ON_SCOPE,
        nonce,
        nonce_expires_in: NONCE_LIFE,
        sub: device.account_id.clone(),
        features: &features::KNOWN,
    })
}

fn phone_tokens(tx: &mut Tx<'_>, app: &App, person: Person, jkt: &str, now: Time) -> Result<PhoneTokens, StoreError> {
    let access_token = random_id()?;
    let keys_document = keys::newest(tx)?;
    let (document, _) = keys::document(tx, keys_document)?;
    tx.insert(&PhoneToken {
        id: hashed(access_token.as_bytes()),
        account_id: person.account_id.clone(),
        jkt: jkt.to_owned(),
        expires_at: now + TOKEN_LIFE,
        added: None,
        keys_document,
    })?;
    Ok(PhoneTokens {
        access_token,
        token_type: "DPoP",
        expires_in: TOKEN_LIFE,
        scope: ADD_SCOPE,
        sub: person.account_id,
        user_name: person.user_name,
        organization: app.config.organization.clone(),
        keys: document,
        time: now,
        features: &features::KNOWN,
    })
}

/// Registers a sign-in key (protocol section 10.1, step 6).
pub fn turn_on(
    tx: &mut Tx<'_>,
    app: &App,
    device: &Device,
    token: &str,
    proof: &str,
    now: Time,
) -> Result<TurnedOn, StoreError> {
    match read_proof(proof) {
        Some((key, claims)) => {
            let proved = Proved { key, claims, fingerprint: hashed(proof.as_bytes()) };
            register(tx, app, device, token, proved, now)
        }
        None => Ok(TurnedOn::Refused),
    }
}

/// A sign-in key, and the proof that the key signed.
pub struct Proved {
    /// The key.
    pub key: Jwk,
    /// The payload of the proof.
    pub claims: KeyProof,
    /// SHA-256 of the proof's JWS.
    pub fingerprint: String,
}

/// Does the same as `turn_on`, for a proof whose signature was already verified.
pub fn register(
    tx: &mut Tx<'_>,
    app: &App,
    device: &Device,
    token: &str,
    proved: Proved,
    now: Time,
) -> Result<TurnedOn, StoreError> {
    let Some(token) = tx.get::<RegistrationToken>(&hashed(token.as_bytes()))? else {
        // There are three reasons why a token is not stored: it has expired and was deleted; a change of the account
        // ended it; or it never existed. The phone gets the same result in all three cases.
        return Ok(TurnedOn::Expired);
    };
    let Proved { key, claims, fingerprint } = proved;
    let thumbprint = key.thumbprint();
    let decided = rules::turn_on(
        &TurnOn {
            issuer: &app.config.issuer,
            device,
            token: &token,
            proof: &claims,
            fingerprint: &fingerprint,
            key_used: tx.get::<UsedKey>(&thumbprint)?.is_some()
                // GUARD(device-key-as-sign-in-key): sign_in_key_needs_a_complete_proof
                || thumbprint == device.key.thumbprint(),
            key_is_on: device.sign_in.as_ref().is_some_and(|sign_in| sign_in.key == key),
            allowed: policy_allows(tx, &device.account_id)?,
        },
        now,
    );
    // A repeated message gets the same result and no second entry in the audit log.
    if decided == TurnedOn::Done && token.spent_by.is_some() {
        return Ok(decided);
    }
    audit::record(tx, &device.account_id, audit_word(decided), &device.id, now)?;
    if decided != TurnedOn::Done {
        return Ok(decided);
    }
    tx.insert(&UsedKey { thumbprint, device_id: device.id.clone(), at: now })?;
    tx.update::<RegistrationToken, _>(&token.id, |token| token.spent_by = Some(fingerprint))?.granted();
    tx.update::<Device, _>(&device.id, |device| device.sign_in = Some(SignInKey { key, registered_at: now }))?
        .granted();
    notices::notify(tx, &device.account_id, Some(&device.id), notices::Kind::PhoneSignInOn, now)?;
    Ok(TurnedOn::Done)
}

/// Returns whether the person is not suspended and the policy allows phone sign-in.
pub(crate) fn policy_allows(tx: &mut Tx<'_>, account_id: &str) -> Result<bool, StoreError> {
    match tx.get::<Person>(account_id)? {
        Some(person) => Ok(!person.suspended && effective_for(tx, &person)?.allows_phone_sign_in()),
        None => Ok(false),
    }
}

fn audit_word(decided: TurnedOn) -> &'static str {
    match decided {
        TurnedOn::Done => "phone_sign_in_on",
        TurnedOn::NotAllowed | TurnedOn::Expired | TurnedOn::Refused => "phone_sign_in_refused",
    }
}

/// Verifies the proof with the key in the proof's header. A valid signature shows only that the sender has the private
/// key.
fn read_proof(proof: &str) -> Option<(Jwk, KeyProof)> {
    Unverified::by_jwk(proof, KEY_TYP).ok()?.verify_own().ok()
}
