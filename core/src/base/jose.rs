//! JOSE, strict and small: compact JWS with ES256 and nothing else (RFC 7515, 7517, 7638, 8725).
//!
//! Decides only whether bytes are well formed and signed by a given key; who the key belongs to and what
//! the payload means is decided elsewhere. Hand-written because signing happens outside the process, in
//! the platform's key store.

pub(crate) mod base64url;
mod error;
mod json;
mod key;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) use error::JoseError;
pub(crate) use json::parse;
pub(crate) use key::{Jwk, PublicKey, signature_from_der};

/// Longest JWS that is looked at, in bytes.
const MAX_JWS: usize = 8_192;
const ALGORITHM: &str = "ES256";

/// How the header names the signing key.
#[derive(Clone, Copy)]
pub(crate) enum HeaderKey<'a> {
    /// By an id that the other side looks up.
    Kid(&'a str),
    /// By the key itself; only for the message that introduces it.
    Jwk(&'a PublicKey),
}

/// The only header that is accepted; any further member (`crit`, `jwk`, `jku`, `x5u`, …) is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Serialize)]
struct NewHeader<'a> {
    alg: &'static str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwk: Option<Jwk>,
}

/// The bytes to be signed for a payload (RFC 7515 section 5.1).
pub(crate) fn signing_input(typ: &str, key: HeaderKey<'_>, payload: &impl Serialize) -> Result<String, JoseError> {
    let (kid, jwk) = match key {
        HeaderKey::Kid(kid) => (Some(kid), None),
        HeaderKey::Jwk(key) => (None, Some(key.to_jwk())),
    };
    let header = NewHeader { alg: ALGORITHM, typ, kid, jwk };
    Ok(format!("{}.{}", encoded(&header)?, encoded(payload)?))
}

fn encoded(value: &impl Serialize) -> Result<String, JoseError> {
    serde_json::to_vec(value).map(|json| base64url::encode(&json)).map_err(|_unserializable| JoseError::Json)
}

/// The finished JWS.
pub(crate) fn attach(signing_input: &str, signature: &[u8; 64]) -> String {
    format!("{signing_input}.{}", base64url::encode(signature))
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
    let header_text = base64url::decode(header)?;
    let parsed: Header = parse(&header_text)?;
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

/// The `kid` that a JWS names, before anything is verified: only good for deciding what to fetch.
pub(crate) fn unverified_kid(jws: &str) -> Option<String> {
    let (header, _, _) = split(jws).ok()?;
    parse::<Header>(&base64url::decode(header).ok()?).ok().map(|header| header.kid)
}

#[cfg(test)]
mod tests;
