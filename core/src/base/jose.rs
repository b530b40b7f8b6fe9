//! A small and strict part of JOSE: only compact JWS with ES256 (RFC 7515, 7517, 7638, 8725).
//!
//! This module only checks that bytes are well formed and signed by a given key. Other modules decide whose key this
//! is, and what the payload means. The module is hand-written, because the platform's key store signs outside the
//! process.

pub(crate) mod base64url;
mod error;
mod json;
mod key;
#[cfg(feature = "authenticator")]
mod sign;

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) use error::JoseError;
pub(crate) use json::parse;
use key::ALGORITHM;
pub(crate) use key::{Jwk, PublicKey};
#[cfg(feature = "authenticator")]
pub(crate) use sign::{HeaderKey, attach, signature_from_der, signing_input};

/// Longest accepted JWS, in bytes (section 1 of the protocol).
const MAX_JWS: usize = 8_192;

/// The only accepted header. Any other member (`crit`, `jwk`, `jku`, `x5u`, …) is refused, so a message can't
/// supply its own key or change how it is verified (RFC 8725 section 3.10).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Verifies a JWS of the type `typ`, and returns its payload. `key` is called with the header's `kid`, and returns the
/// key with this id.
///
/// # Errors
/// The first `JoseError` that applies.
///
/// # Security
/// `alg` and `typ` must each equal one expected value, so an attacker can't choose the algorithm, or use a message of
/// one type as another. The payload is parsed only after the signature was verified.
pub(crate) fn verify<T: DeserializeOwned>(
    jws: &str,
    typ: &str,
    key: impl FnOnce(&str) -> Option<PublicKey>,
) -> Result<T, JoseError> {
    let (header, payload, signature) = split(jws)?;
    let parsed = read_header(header)?;
    // GUARD(jose-algorithm): headers_with_other_values_or_members_are_refused
    if parsed.alg != ALGORITHM {
        return Err(JoseError::Algorithm);
    }
    if parsed.typ != typ {
        return Err(JoseError::Type);
    }
    let key = key(&parsed.kid).ok_or(JoseError::UnknownKey)?;
    let signing_input = format!("{header}.{payload}");
    // GUARD(jose-signature): forged_altered_or_malformed_prompts_are_refused
    // INSTEAD: drop((key, signing_input, signature));
    key.verify(signing_input.as_bytes(), &base64url::decode(signature)?)?;
    parse(&base64url::decode(payload)?)
}

/// Splits a compact JWS into header, payload and signature, all still in base64url.
fn split(jws: &str) -> Result<(&str, &str, &str), JoseError> {
    if jws.len() > MAX_JWS {
        return Err(JoseError::TooLarge);
    }
    let mut parts = jws.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok((header, payload, signature)),
        _ => Err(JoseError::Parts),
    }
}

fn read_header(header: &str) -> Result<Header, JoseError> {
    parse(&base64url::decode(header)?)
}

/// Returns the `typ` of a JWS, unverified. Use it only to choose the type for `verify`.
///
/// # Errors
/// `JoseError` when the JWS or its header is malformed.
pub(crate) fn unverified_typ(jws: &str) -> Result<String, JoseError> {
    let (header, _, _) = split(jws)?;
    Ok(read_header(header)?.typ)
}

/// Returns the `kid` of a JWS, unverified; `None` when the JWS or its header is malformed. Use it only to decide
/// whether to fetch newer keys.
#[cfg(feature = "authenticator")]
pub(crate) fn unverified_kid(jws: &str) -> Option<String> {
    let (header, _, _) = split(jws).ok()?;
    Some(read_header(header).ok()?.kid)
}

#[cfg(test)]
mod tests;
