//! JOSE, strict and small: compact JWS with ES256 and nothing else (RFC 7515, 7517, 7638, 8725).
//!
//! Decides only whether bytes are well formed and signed by a given key; who the key belongs to and what
//! the payload means is decided elsewhere. Hand-written because signing happens outside the process, in
//! the platform's key store.

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

/// Longest JWS that is looked at, in bytes.
const MAX_JWS: usize = 8_192;

/// The only header that is accepted; any further member (`crit`, `jwk`, `jku`, `x5u`, …) is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Verifies a JWS of type `typ` and returns its payload; `key` looks the header's `kid` up.
///
/// # Errors
/// One for each way to be wrong. The payload is parsed only after the signature was found right.
pub(crate) fn verify<T: DeserializeOwned>(
    jws: &str,
    typ: &str,
    key: impl FnOnce(&str) -> Option<PublicKey>,
) -> Result<T, JoseError> {
    let (header, payload, signature) = split(jws)?;
    let parsed = read_header(header)?;
    // GUARD(jose-algorithm): the_header_is_exactly_the_expected_one
    if parsed.alg != ALGORITHM {
        return Err(JoseError::Algorithm);
    }
    if parsed.typ != typ {
        return Err(JoseError::Type);
    }
    let key = key(&parsed.kid).ok_or(JoseError::UnknownKey)?;
    let signing_input = format!("{header}.{payload}");
    // GUARD(jose-signature): another_signature_altered_bytes_or_another_form_are_refused
    // INSTEAD: drop((key, signing_input, signature));
    key.verify(signing_input.as_bytes(), &base64url::decode(signature)?)?;
    parse(&base64url::decode(payload)?)
}

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

/// The type that a JWS names, before anything is verified: only good for choosing what to verify it as.
pub(crate) fn unverified_typ(jws: &str) -> Result<String, JoseError> {
    let (header, _, _) = split(jws)?;
    Ok(read_header(header)?.typ)
}

/// The `kid` that a JWS names, before anything is verified: only good for deciding what to fetch.
#[cfg(feature = "authenticator")]
pub(crate) fn unverified_kid(jws: &str) -> Option<String> {
    let (header, _, _) = split(jws).ok()?;
    Some(read_header(header).ok()?.kid)
}

#[cfg(test)]
mod tests;
