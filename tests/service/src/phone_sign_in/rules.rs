//! The rules of registering a device and its sign-in key, pure.

use std::collections::HashMap;

use serde::Deserialize;
use url::{Host, Url};

use crate::clock::{MINUTE, Time};
use crate::devices::device::Device;
use crate::phone_sign_in::registration::{Purpose, RegistrationCode, RegistrationToken};
use crate::secrets::{decode, hashed, same};
use crate::texts::is_shown;

/// The phone's name as an OAuth client; every phone has the same, what tells them apart is the device key.
pub const CLIENT_ID: &str = "countersign-phone";
/// What a token to turn phone sign-in on is good for.
pub const TURN_ON_SCOPE: &str = "device_registration";
/// What a token to add a phone is good for.
pub const ADD_SCOPE: &str = "enrollment";
/// Life of a pushed request: the time to sign in.
pub const REQUEST_LIFE: Time = 10 * MINUTE;
/// Life of a code.
pub const CODE_LIFE: Time = MINUTE;
/// Life of a token.
pub const TOKEN_LIFE: Time = 10 * MINUTE;
/// Life of its nonce: the time to unlock the phone.
pub const NONCE_LIFE: Time = 5 * MINUTE;
const MAX_SKEW: u64 = 60;
const MIN_STATE: usize = 22;
const MAX_STATE: usize = 128;
const DIGITS: usize = 6;
/// The third wrong digits end the request.
pub const MAX_WRONG_DIGITS: u32 = 3;
/// The redirect of desktops, on any port (RFC 8252 section 7.3).
const LOOPBACK_PATH: &str = "/phone-sign-in";

/// A pushed request whose form is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Where the browser goes back to.
    pub redirect_uri: String,
    /// The phone's own.
    pub state: String,
    /// PKCE, S256.
    pub code_challenge: String,
    /// Thumbprint of the device key.
    pub dpop_jkt: String,
    /// What a phone that is to be added says of itself.
    pub new_phone: Option<Introduced>,
}

/// What a phone that is to be added says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduced {
    /// The person's name for it.
    pub name: String,
    /// Model.
    pub model: String,
    /// Six digits, which it shows.
    pub digits: String,
}

/// Reads a pushed request; everything is mandatory (protocol section 10.1).
///
/// # Errors
/// The OAuth error code.
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
    // A request within a request would be read by nobody but an attacker's victim.
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

/// Exactly registered, or this machine's own loopback address (RFC 8252 section 7.3: any port).
fn is_registered(address: &str, redirects: &[String]) -> bool {
    // GUARD(redirect-registered): a_redirect_address_is_registered_exactly_or_this_machines_own
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
    // Built anew, so that nothing else can stand in it.
    url.scheme() == "http" && loopback && address == format!("http://127.0.0.1:{port}{LOOPBACK_PATH}")
}

/// Payload of a DPoP proof (RFC 9449 section 4.2).
#[derive(Debug, Clone, Deserialize)]
pub struct Proof {
    /// Its id, 128 bits.
    pub jti: String,
    /// HTTP method.
    pub htm: String,
    /// Address without query.
    pub htu: String,
    /// When it was made.
    pub iat: Time,
}

/// Whether a proof, whose signature was found right, is for this endpoint and of now.
#[must_use]
pub fn proves(proof: &Proof, endpoint: &str, now: Time) -> bool {
    // GUARD(dpop-method): a_pushed_request_is_proved_by_the_device_key_once_and_now
    // INSTEAD: true
    proof.htm == "POST"
        // GUARD(dpop-endpoint): a_pushed_request_is_proved_by_the_device_key_once_and_now
        && proof.htu == endpoint
        // GUARD(dpop-time): a_pushed_request_is_proved_by_the_device_key_once_and_now
        && proof.iat.abs_diff(now) <= MAX_SKEW
        && decode(&proof.jti).is_some_and(|jti| jti.len() == 16)
}

/// What a phone brings to redeem a code.
pub struct Redemption<'a> {
    /// Where the browser went.
    pub redirect_uri: &'a str,
    /// PKCE.
    pub verifier: &'a str,
    /// Thumbprint of the key that made the DPoP proof.
    pub jkt: &'a str,
}

/// What a phone gets for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth<'a> {
    /// A token.
    Token,
    /// Nothing: it was used before, and the token it gave then ends.
    UsedBefore {
        /// Hashed.
        token: &'a str,
    },
    /// Nothing.
    Nothing,
}

/// What a code is worth; `device` is the one that phone sign-in is for, read in the same transaction.
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
                // GUARD(code-dpop-jkt): j4_w5_w6_a_code_is_good_once_for_its_own_phone_and_verifier, turning_phone_sign_in_on_at_the_phone
                && same(&device.key.thumbprint(), by.jkt)
        }
        (Purpose::AddPhone(phone), None) => same(&phone.jkt, by.jkt),
        (Purpose::TurnOn { .. }, None) | (Purpose::AddPhone(_), Some(_)) => false,
    };
    right_phone
        // GUARD(code-too-old): j4_w5_w6_a_code_is_good_once_for_its_own_phone_and_verifier, turning_phone_sign_in_on_at_the_phone
        && code.expires_at > now
        // GUARD(code-redirect-address): j4_w5_w6_a_code_is_good_once_for_its_own_phone_and_verifier
        && registration.redirect_uri == by.redirect_uri
        && (43..=128).contains(&by.verifier.len())
        // GUARD(code-pkce): j4_w5_w6_a_code_is_good_once_for_its_own_phone_and_verifier, turning_phone_sign_in_on_at_the_phone
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
    /// Of the token response.
    pub nonce: String,
    /// `turn_on`.
    pub purpose: String,
    /// How the person was verified when the new key signed.
    pub uv: UserVerification,
    /// What vouches for the key.
    pub attestation: Attestation,
}

/// How the person was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserVerification {
    /// Finger or face.
    Biometric,
    /// PIN, pattern, password.
    Credential,
    /// One of these; the platform doesn't say which.
    Unspecified,
    /// Nobody was asked.
    None,
}

/// What vouches for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum Attestation {
    /// Nothing.
    None,
}

/// What came of turning on, as the phone is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnedOn {
    /// The key is registered.
    Done,
    /// The policy says no.
    NotAllowed,
    /// Token or nonce are too old.
    Expired,
    /// Anything else.
    Refused,
}

/// What a turn-on is judged by, all of it read in one transaction.
pub struct TurnOn<'a> {
    /// The service.
    pub issuer: &'a str,
    /// Who asks.
    pub device: &'a Device,
    /// What the token is.
    pub token: &'a RegistrationToken,
    /// What the new key has signed.
    pub proof: &'a KeyProof,
    /// SHA-256 of the proof's bytes.
    pub fingerprint: &'a str,
    /// Whether this key was registered before, by anybody.
    pub key_used: bool,
    /// Whether it is this device's sign-in key at present.
    pub key_is_on: bool,
    /// Whether the policy allows phone sign-in.
    pub allowed: bool,
}

/// Decides whether a sign-in key is registered.
#[must_use]
pub fn turn_on(asked: &TurnOn<'_>, now: Time) -> TurnedOn {
    let (device, token, proof) = (asked.device, asked.token, asked.proof);
    // GUARD(turn-on-token-of-another-phone): a_sign_in_key_is_registered_by_its_own_proof_over_everything, turning_phone_sign_in_on_at_the_phone
    // INSTEAD: let bound = true
    let bound = token.is_of(device)
        // GUARD(proof-issuer): a_sign_in_key_is_registered_by_its_own_proof_over_everything
        && proof.aud == asked.issuer
        // GUARD(proof-account): a_sign_in_key_is_registered_by_its_own_proof_over_everything
        && proof.sub == device.account_id
        // GUARD(proof-device): a_sign_in_key_is_registered_by_its_own_proof_over_everything
        && proof.device == device.id
        // GUARD(proof-device-key): a_sign_in_key_is_registered_by_its_own_proof_over_everything
        && proof.device_key == device.key.thumbprint()
        // GUARD(proof-purpose): a_sign_in_key_is_registered_by_its_own_proof_over_everything
        && proof.purpose == "turn_on"
        // GUARD(proof-token): a_sign_in_key_is_registered_by_its_own_proof_over_everything, turning_phone_sign_in_on_at_the_phone
        && same(&hashed(proof.nonce.as_bytes()), &token.nonce);
    let verified = match proof.uv {
        UserVerification::Biometric | UserVerification::Credential | UserVerification::Unspecified => true,
        UserVerification::None => false,
    };
    let Attestation::None = proof.attestation;
    if !bound
        // GUARD(sign-in-key-asks-the-person): a_sign_in_key_is_registered_by_its_own_proof_over_everything, turning_phone_sign_in_on_at_the_phone
        || !verified
        || !device.is_active()
    {
        return TurnedOn::Refused;
    }
    match &token.spent_by {
        // The answer was lost: the same proof is told the same, unless the key was taken off since.
        Some(before) if before == asked.fingerprint && asked.key_is_on => return TurnedOn::Done,
        // GUARD(turn-on-token-once): turning_phone_sign_in_on_at_the_phone
        // INSTEAD: Some(_) => {}
        Some(_) => return TurnedOn::Refused,
        None => {}
    }
    // GUARD(turn-on-too-late): nonce_and_token_end
    if token.expires_at <= now
        // GUARD(turn-on-nonce-time): nonce_and_token_end, turning_phone_sign_in_on_at_the_phone
        || token.nonce_expires_at <= now
    {
        return TurnedOn::Expired;
    }
    // GUARD(turn-on-against-policy): j1_w2_the_policy_changes_between_two_steps_of_turning_on
    if !asked.allowed {
        return TurnedOn::NotAllowed;
    }
    // GUARD(sign-in-key-registered-twice): a_token_registers_one_key_and_a_key_is_registered_once, turning_phone_sign_in_on_at_the_phone
    // INSTEAD: TurnedOn::Done
    if asked.key_used { TurnedOn::Refused } else { TurnedOn::Done }
}

/// Whether an "off" that names this key removes the device's sign-in key; a late "off" leaves a newer key in place.
#[must_use]
pub fn turns_off(device: &Device, thumbprint: &str) -> bool {
    // GUARD(late-off): a_late_off_does_not_take_off_a_newer_key
    // INSTEAD: device.sign_in.as_ref().is_some_and(|_| !thumbprint.is_empty())
    device.sign_in.as_ref().is_some_and(|sign_in| sign_in.key.thumbprint() == thumbprint)
}
