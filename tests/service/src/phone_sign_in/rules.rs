//! The rules of registering devices and sign-in keys, as pure functions.

use std::collections::HashMap;

use serde::Deserialize;
use url::{Host, Url};

use crate::clock::{MINUTE, Time};
use crate::devices::device::Device;
use crate::phone_sign_in::registration::{Purpose, RegistrationCode, RegistrationToken};
use crate::secrets::{decode, hashed, same};
use crate::texts::is_shown;

/// OAuth client id of all phones. Phones are distinguished by their device keys.
pub const CLIENT_ID: &str = "countersign-phone";
/// Scope of a token that turns phone sign-in on.
pub const TURN_ON_SCOPE: &str = "device_registration";
/// Scope of a token that adds a phone.
pub const ADD_SCOPE: &str = "enrollment";
/// Life of a pushed request: the time that the person has to sign in.
pub const REQUEST_LIFE: Time = 10 * MINUTE;
/// Life of an authorization code.
pub const CODE_LIFE: Time = MINUTE;
/// Life of a token.
pub const TOKEN_LIFE: Time = 10 * MINUTE;
/// Life of the nonce: the time that the person has to unlock the phone.
pub const NONCE_LIFE: Time = 5 * MINUTE;
const MAX_SKEW: u64 = 60;
const MIN_STATE: usize = 22;
const MAX_STATE: usize = 128;
const DIGITS: usize = 6;
/// A registration ends when wrong digits were typed this many times.
pub const MAX_WRONG_DIGITS: u32 = 3;
/// Path of a desktop app's redirect URI. The URI's host is 127.0.0.1, with any port (RFC 8252 section 7.3).
const LOOPBACK_PATH: &str = "/phone-sign-in";

/// A pushed authorization request whose fields are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The redirect URI: where the browser returns to.
    pub redirect_uri: String,
    /// The phone's `state`, returned to the phone unchanged.
    pub state: String,
    /// PKCE challenge, S256.
    pub code_challenge: String,
    /// Thumbprint of the device key.
    pub dpop_jkt: String,
    /// Name, model and digits of a new phone. `None` if the request turns phone sign-in on.
    pub new_phone: Option<Introduced>,
}

/// What a new phone says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduced {
    /// The name that the person gave the phone.
    pub name: String,
    /// Model of the phone.
    pub model: String,
    /// The six digits that the phone shows.
    pub digits: String,
}

/// Reads a pushed authorization request. All fields of its scope are mandatory (protocol sections 10.1 and 11).
///
/// # Errors
/// The OAuth error code for the response.
pub fn read(fields: &HashMap<String, String>, redirects: &[String]) -> Result<Pushed, &'static str> {
    let get = |name: &str| fields.get(name).map_or("", String::as_str);
    if get("client_id") != CLIENT_ID {
        return Err("invalid_client");
    }
    if !is_registered(get("redirect_uri"), redirects) {
        return Err("invalid_redirect_uri");
    }
    if get("response_type") != "code" {
        return Err("unsupported_response_type");
    }
    let new_phone = match get("scope") {
        TURN_ON_SCOPE => None,
        ADD_SCOPE => Some(introduced(fields).ok_or("invalid_request")?),
        _ => return Err("invalid_scope"),
    };
    let sha256 = |text: &str| decode(text).is_some_and(|hash| hash.len() == 32);
    let complete = get("prompt") == "login"
        && get("code_challenge_method") == "S256"
        && sha256(get("code_challenge"))
        && sha256(get("dpop_jkt"))
        && (MIN_STATE..=MAX_STATE).contains(&get("state").len());
    // `request` and `request_uri` would carry a second set of parameters, which this function does not check.
    if !complete || fields.contains_key("request_uri") || fields.contains_key("request") {
        return Err("invalid_request");
    }
    Ok(Pushed {
        redirect_uri: get("redirect_uri").to_owned(),
        state: get("state").to_owned(),
        code_challenge: get("code_challenge").to_owned(),
        dpop_jkt: get("dpop_jkt").to_owned(),
        new_phone,
    })
}

fn introduced(fields: &HashMap<String, String>) -> Option<Introduced> {
    let get = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let shown = |text: &String| !text.is_empty() && is_shown(text);
    let phone = Introduced { name: get("device_name"), model: get("device_model"), digits: get("digits") };
    let six = phone.digits.len() == DIGITS && phone.digits.bytes().all(|byte| byte.is_ascii_digit());
    (six && shown(&phone.name) && shown(&phone.model)).then_some(phone)
}

/// Returns whether the redirect URI is equal to a registered one, or is the loopback redirect URI with any port
/// (RFC 8252 section 7.3).
fn is_registered(address: &str, redirects: &[String]) -> bool {
    // GUARD(redirect-registered): redirect_uri_must_be_registered_or_loopback
    // INSTEAD: if redirects.iter().any(|registered| address.starts_with(registered.as_str())) {
    if redirects.iter().any(|registered| registered == address) {
        return true;
    }
    let Ok(url) = Url::parse(address) else {
        return false;
    };
    let loopback = url.host() == Some(Host::Ipv4(std::net::Ipv4Addr::LOCALHOST));
    let Some(port) = url.port() else {
        return false;
    };
    // The given URI must be equal to the URI that is built here. It therefore can't have further parts, for example a
    // query.
    url.scheme() == "http" && loopback && address == format!("http://127.0.0.1:{port}{LOOPBACK_PATH}")
}

/// Payload of a DPoP proof (RFC 9449 section 4.2).
#[derive(Debug, Clone, Deserialize)]
pub struct Proof {
    /// The proof's id, 128 random bits.
    pub jti: String,
    /// HTTP method of the request.
    pub htm: String,
    /// URL of the endpoint, without query.
    pub htu: String,
    /// When the proof was created, in seconds since 1970.
    pub iat: Time,
}

/// Checks a proof whose signature was verified before. Returns true if the proof is for a POST to this endpoint, its
/// time differs from the service's time by at most one minute, and its id has 16 bytes.
#[must_use]
pub fn proves(proof: &Proof, endpoint: &str, now: Time) -> bool {
    // GUARD(dpop-method): pushed_request_needs_a_new_proof_by_the_device_key
    // INSTEAD: true
    proof.htm == "POST"
        // GUARD(dpop-endpoint): pushed_request_needs_a_new_proof_by_the_device_key
        && proof.htu == endpoint
        // GUARD(dpop-time): pushed_request_needs_a_new_proof_by_the_device_key
        && proof.iat.abs_diff(now) <= MAX_SKEW
        && decode(&proof.jti).is_some_and(|jti| jti.len() == 16)
}

/// What a phone sends to redeem an authorization code.
pub struct Redemption<'a> {
    /// The redirect URI. It must be equal to that of the pushed authorization request.
    pub redirect_uri: &'a str,
    /// PKCE verifier.
    pub verifier: &'a str,
    /// Thumbprint of the key that signed the DPoP proof.
    pub jkt: &'a str,
}

/// What an authorization code can be redeemed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth<'a> {
    /// The authorization code can be redeemed for a token.
    Token,
    /// The authorization code can't be redeemed, because it was used before. The token of the first use must end.
    UsedBefore {
        /// SHA-256 of the token of the first use.
        token: &'a str,
    },
    /// The authorization code can't be redeemed, for another reason.
    Nothing,
}

/// Decides what an authorization code can be redeemed for. `device` is the device on which phone sign-in is to be
/// turned on, or `None` for a new phone. The caller reads the device in the transaction that redeems the code.
#[must_use]
pub fn worth<'a>(code: &'a RegistrationCode, device: Option<&Device>, by: &Redemption<'_>, now: Time) -> Worth<'a> {
    match &code.token {
        Some(token) => Worth::UsedBefore { token },
        None if may_redeem(code, device, by, now) => Worth::Token,
        None => Worth::Nothing,
    }
}

fn may_redeem(code: &RegistrationCode, device: Option<&Device>, by: &Redemption<'_>, now: Time) -> bool {
    let registration = &code.registration;
    let right_phone = match (&registration.purpose, device) {
        (Purpose::TurnOn { device_id }, Some(device)) => {
            device.id == *device_id
                && Some(&device.account_id) == registration.account_id.as_ref()
                && device.is_active()
                // GUARD(code-dpop-jkt): j4_w5_w6_authorization_code_works_once_for_its_phone, turning_on_phone_sign_in_at_the_phone_has_no_fault
                && same(&device.key.thumbprint(), by.jkt)
        }
        (Purpose::AddPhone(phone), None) => same(&phone.jkt, by.jkt),
        (Purpose::TurnOn { .. }, None) | (Purpose::AddPhone(_), Some(_)) => false,
    };
    right_phone
        // GUARD(code-too-old): j4_w5_w6_authorization_code_works_once_for_its_phone, turning_on_phone_sign_in_at_the_phone_has_no_fault
        && code.expires_at > now
        // GUARD(code-redirect-address): j4_w5_w6_authorization_code_works_once_for_its_phone
        && registration.redirect_uri == by.redirect_uri
        && (43..=128).contains(&by.verifier.len())
        // GUARD(code-pkce): j4_w5_w6_authorization_code_works_once_for_its_phone, turning_on_phone_sign_in_at_the_phone_has_no_fault
        && same(&hashed(by.verifier.as_bytes()), &registration.code_challenge)
}

/// Payload of `phone-sign-in-key+jwt` (protocol section 10.1).
#[derive(Debug, Clone, Deserialize)]
pub struct KeyProof {
    /// The issuer.
    pub aud: String,
    /// The account.
    pub sub: String,
    /// The device.
    pub device: String,
    /// Thumbprint of the device key.
    pub device_key: String,
    /// The nonce of the token response.
    pub nonce: String,
    /// Must be `turn_on`.
    pub purpose: String,
    /// How the person was verified when the new key signed.
    pub uv: UserVerification,
    /// The platform's attestation of the key.
    pub attestation: Attestation,
}

/// How the person was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserVerification {
    /// By fingerprint or face.
    Biometric,
    /// By PIN, pattern or password.
    Credential,
    /// By biometrics or by the device credential; the platform doesn't say which.
    Unspecified,
    /// Not verified.
    None,
}

/// A platform's attestation of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum Attestation {
    /// No attestation.
    None,
}

/// Result of a request to turn phone sign-in on. The service sends it to the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnedOn {
    /// The key is registered.
    Done,
    /// The policy does not allow phone sign-in, or the person is suspended.
    NotAllowed,
    /// The token or the nonce has expired.
    Expired,
    /// The key was refused for another reason.
    Refused,
}

/// The facts that decide whether a sign-in key is registered, all read in one transaction.
pub struct TurnOn<'a> {
    /// The service's issuer.
    pub issuer: &'a str,
    /// The device that sent the request.
    pub device: &'a Device,
    /// The stored token.
    pub token: &'a RegistrationToken,
    /// The payload that the new key has signed.
    pub proof: &'a KeyProof,
    /// SHA-256 of the proof's JWS.
    pub fingerprint: &'a str,
    /// Whether a device has registered this key before, or this key is the device's own device key. In both cases, the
    /// key is refused.
    pub key_used: bool,
    /// Whether this key is the device's sign-in key now.
    pub key_is_on: bool,
    /// Whether the policy allows phone sign-in and the person is not suspended.
    pub allowed: bool,
}

/// Decides whether a sign-in key is registered.
#[must_use]
pub fn turn_on(asked: &TurnOn<'_>, now: Time) -> TurnedOn {
    let (device, token, proof) = (asked.device, asked.token, asked.proof);
    // GUARD(turn-on-token-of-another-phone): sign_in_key_needs_a_complete_proof, turning_on_phone_sign_in_at_the_phone_has_no_fault
    // INSTEAD: let bound = true
    let bound = token.is_of(device)
        // GUARD(proof-issuer): sign_in_key_needs_a_complete_proof
        && proof.aud == asked.issuer
        // GUARD(proof-account): sign_in_key_needs_a_complete_proof
        && proof.sub == device.account_id
        // GUARD(proof-device): sign_in_key_needs_a_complete_proof
        && proof.device == device.id
        // GUARD(proof-device-key): sign_in_key_needs_a_complete_proof
        && proof.device_key == device.key.thumbprint()
        // GUARD(proof-purpose): sign_in_key_needs_a_complete_proof
        && proof.purpose == "turn_on"
        // GUARD(proof-token): sign_in_key_needs_a_complete_proof, turning_on_phone_sign_in_at_the_phone_has_no_fault
        && same(&hashed(proof.nonce.as_bytes()), &token.nonce);
    let verified = match proof.uv {
        UserVerification::Biometric | UserVerification::Credential | UserVerification::Unspecified => true,
        UserVerification::None => false,
    };
    let Attestation::None = proof.attestation;
    if !bound
        // GUARD(sign-in-key-user-verification): sign_in_key_needs_a_complete_proof, turning_on_phone_sign_in_at_the_phone_has_no_fault
        || !verified
        || !device.is_active()
    {
        return TurnedOn::Refused;
    }
    match &token.spent_by {
        // A phone that did not receive the response sends the same proof again. It gets the same result, unless the
        // key was removed after the first request.
        Some(before) if before == asked.fingerprint && asked.key_is_on => return TurnedOn::Done,
        // GUARD(turn-on-token-once): turning_on_phone_sign_in_at_the_phone_has_no_fault
        // INSTEAD: Some(_) => {}
        Some(_) => return TurnedOn::Refused,
        None => {}
    }
    // GUARD(turn-on-too-late): turn_on_needs_unexpired_nonce_and_token
    if token.expires_at <= now
        // GUARD(turn-on-nonce-time): turn_on_needs_unexpired_nonce_and_token, turning_on_phone_sign_in_at_the_phone_has_no_fault
        || token.nonce_expires_at <= now
    {
        return TurnedOn::Expired;
    }
    // GUARD(turn-on-against-policy): j1_w2_a_policy_change_stops_turning_phone_sign_in_on
    if !asked.allowed {
        return TurnedOn::NotAllowed;
    }
    // GUARD(sign-in-key-registered-twice): second_use_of_a_token_or_sign_in_key_is_refused, turning_on_phone_sign_in_at_the_phone_has_no_fault
    // INSTEAD: TurnedOn::Done
    if asked.key_used { TurnedOn::Refused } else { TurnedOn::Done }
}

/// Decides whether a request to turn phone sign-in off removes the device's sign-in key. The request names the key by
/// its thumbprint. If this is not the device's current sign-in key, the request removes nothing.
#[must_use]
pub fn turns_off(device: &Device, thumbprint: &str) -> bool {
    // GUARD(late-off): late_turn_off_of_an_old_key_keeps_the_newer_key
    // INSTEAD: device.sign_in.as_ref().is_some_and(|_| !thumbprint.is_empty())
    device.sign_in.as_ref().is_some_and(|sign_in| sign_in.key.thumbprint() == thumbprint)
}
