//! Making a JWS: the bytes to be signed, and the finished form.

use serde::Serialize;

use super::base64url;
use super::error::JoseError;
use super::key::{ALGORITHM, Jwk, PublicKey};

/// How the header names the signing key.
#[derive(Clone, Copy)]
pub(crate) enum HeaderKey<'a> {
    /// By an id that the other side looks up.
    Kid(&'a str),
    /// By the key itself; only for the message that introduces it.
    Jwk(&'a PublicKey),
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

/// Turns a platform's ASN.1 signature into r and s (RFC 7518 section 3.4).
pub(crate) fn signature_from_der(der: &[u8]) -> Result<[u8; 64], JoseError> {
    let signature = p256::ecdsa::Signature::from_der(der).map_err(|_malformed| JoseError::Signature)?;
    Ok(signature.to_bytes().into())
}
