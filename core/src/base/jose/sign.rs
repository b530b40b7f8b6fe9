//! Creates a JWS in two steps: first the signing input, then the finished JWS. Between these steps, the platform's key
//! store signs.

use serde::Serialize;

use super::base64url;
use super::error::JoseError;
use super::key::{ALGORITHM, Jwk, PublicKey};

/// How the header identifies the signing key (section 1 of the protocol).
#[derive(Clone, Copy)]
pub(crate) enum HeaderKey<'a> {
    /// By an id that the receiver looks up: a device id or a thumbprint.
    Kid(&'a str),
    /// By the key itself, in a message that introduces or proves a key.
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

/// Returns the signing input of a payload (RFC 7515 section 5.1).
///
/// # Errors
/// `Json` when the payload can't be serialized.
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

/// Appends the signature (r and s, 64 bytes) to a signing input and returns the compact JWS.
pub(crate) fn attach(signing_input: &str, signature: &[u8; 64]) -> String {
    format!("{signing_input}.{}", base64url::encode(signature))
}

/// Converts a platform's ASN.1 DER signature to r and s, 64 bytes (RFC 7518 section 3.4).
///
/// # Errors
/// `Signature` when the DER is malformed, or when r or s is out of range.
pub(crate) fn signature_from_der(der: &[u8]) -> Result<[u8; 64], JoseError> {
    let signature = p256::ecdsa::Signature::from_der(der).map_err(|_malformed| JoseError::Signature)?;
    Ok(signature.to_bytes().into())
}
