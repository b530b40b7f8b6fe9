//! Signs and verifies JWS with the library `jsonwebtoken`, and adds stricter checks.
//!
//! `jsonwebtoken` verifies the signature, but does not check `typ`, `crit` and repeated member names. This module
//! checks these before it verifies the signature. A header must have exactly the expected members, so `crit` is
//! refused.

use std::collections::HashSet;
use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::pkcs8::EncodePrivateKey;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::secrets::{decode, encode, random};

const MAX_JWS: usize = 8_192;
/// Length of an ES256 signature in base64url, in characters.
const SIGNATURE: usize = 86;

/// Why a JWS or a key was refused. The service never sends this reason to the other party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// The JWS is longer than 8,192 bytes.
    #[error("too large")]
    TooLarge,
    /// One of these: the JWS does not have three parts of canonical base64url; the header or the payload is not a JSON
    /// object with unique member names; the payload does not have the expected members.
    #[error("malformed")]
    Malformed,
    /// The header does not have exactly the expected members, or has an unexpected `alg` or `typ`.
    #[error("unexpected header")]
    Header,
    /// The key is not a valid P-256 key, or the library could not use it.
    #[error("bad key")]
    Key,
    /// The JWS names its key by `kid`, but the operation needs a JWS that contains its key.
    #[error("unknown key")]
    UnknownKey,
    /// The signature is wrong.
    #[error("wrong signature")]
    Signature,
}

/// A P-256 public key (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    /// The key type: `EC`.
    pub kty: String,
    /// The curve: `P-256`.
    pub crv: String,
    /// The x coordinate: 32 bytes, base64url.
    pub x: String,
    /// The y coordinate: 32 bytes, base64url.
    pub y: String,
}

impl Jwk {
    fn of(key: &p256::PublicKey) -> Self {
        let point = key.to_sec1_point(false);
        let part = |coordinate: Option<&p256::FieldBytes>| coordinate.map(|bytes| encode(bytes)).unwrap_or_default();
        Self { kty: "EC".to_owned(), crv: "P-256".to_owned(), x: part(point.x()), y: part(point.y()) }
    }

    /// Returns the uncompressed point, 65 bytes. Fails if the key is not a valid P-256 key.
    pub fn point(&self) -> Result<Vec<u8>, JoseError> {
        let (x, y) = (decode(&self.x).ok_or(JoseError::Key)?, decode(&self.y).ok_or(JoseError::Key)?);
        let point = [&[4], x.as_slice(), &y].concat();
        let right = self.kty == "EC" && self.crv == "P-256" && x.len() == 32 && y.len() == 32;
        if !right || p256::PublicKey::from_sec1_bytes(&point).is_err() {
            return Err(JoseError::Key);
        }
        Ok(point)
    }

    /// Returns the thumbprint (RFC 7638): SHA-256, 32 bytes.
    #[must_use]
    pub fn thumbprint_bytes(&self) -> Vec<u8> {
        let canonical = format!(r#"{{"crv":"{}","kty":"{}","x":"{}","y":"{}"}}"#, self.crv, self.kty, self.x, self.y);
        ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes()).as_ref().to_vec()
    }

    /// Returns the thumbprint (RFC 7638) in base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        encode(&self.thumbprint_bytes())
    }
}

/// A private signing key of the service, with its public key.
pub struct SigningKey {
    encoding: EncodingKey,
    public: Jwk,
    kid: String,
}

impl SigningKey {
    /// Generates a private scalar. Returns `None` if the system has no randomness.
    #[must_use]
    pub fn make_scalar() -> Option<zeroize::Zeroizing<Vec<u8>>> {
        // A random scalar is out of range about once in 2^32 tries, so eight tries suffice.
        (0..8).find_map(|_try| {
            let scalar = zeroize::Zeroizing::new(random::<32>().ok()?.to_vec());
            p256::SecretKey::from_slice(&scalar).ok().map(|_in_range| scalar)
        })
    }

    /// Builds the key from a private scalar, 32 bytes big-endian.
    pub fn from_scalar(scalar: &[u8]) -> Result<Self, JoseError> {
        let key = p256::SecretKey::from_slice(scalar).map_err(|_range| JoseError::Key)?;
        let der = key.to_pkcs8_der().map_err(|_encoding| JoseError::Key)?;
        let public = Jwk::of(&key.public_key());
        Ok(Self { encoding: EncodingKey::from_ec_der(der.as_bytes()), kid: public.thumbprint(), public })
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> &Jwk {
        &self.public
    }

    /// Returns the key id: the thumbprint, base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    fn header(&self, typ: &str) -> Header {
        Header { typ: Some(typ.to_owned()), kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) }
    }

    /// Signs claims as a compact JWS of type `typ`.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        jsonwebtoken::encode(&self.header(typ), claims, &self.encoding).map_err(|_library| JoseError::Key)
    }

    /// Returns whether the JWS that `sign` would produce has at most 8,192 bytes. Phones refuse a longer JWS (protocol
    /// section 1).
    #[must_use]
    pub fn fits(&self, typ: &str, claims: &impl Serialize) -> bool {
        let encoded = |json: serde_json::Result<Vec<u8>>| {
            json.ok().and_then(|json| base64::encoded_len(json.len(), false)).unwrap_or(MAX_JWS)
        };
        let parts = [encoded(serde_json::to_vec(&self.header(typ))), encoded(serde_json::to_vec(claims)), SIGNATURE];
        parts.into_iter().fold(2_usize, usize::saturating_add) <= MAX_JWS
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KidHeader {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JwkHeader {
    alg: String,
    typ: String,
    jwk: Jwk,
}

/// A JWS whose encoding and header were checked. Its signature was not verified yet.
pub struct Unverified<'a> {
    jws: &'a str,
    key: NamedKey,
}

enum NamedKey {
    Kid(String),
    Jwk(Jwk),
}

impl<'a> Unverified<'a> {
    /// Parses a JWS that names its key by `kid`.
    pub fn by_kid(jws: &'a str, typ: &str) -> Result<Self, JoseError> {
        let header: KidHeader = read_header(jws)?;
        check_header(&header.alg, &header.typ, typ)?;
        Ok(Self { jws, key: NamedKey::Kid(header.kid) })
    }

    /// Parses a JWS that contains its key. Used only for messages in which a phone sends a new key, or proves that it
    /// has the private key (protocol section 1).
    pub fn by_jwk(jws: &'a str, typ: &str) -> Result<Self, JoseError> {
        let header: JwkHeader = read_header(jws)?;
        check_header(&header.alg, &header.typ, typ)?;
        header.jwk.point()?;
        Ok(Self { jws, key: NamedKey::Jwk(header.jwk) })
    }

    /// Returns the `kid` by which the caller finds the key. Returns an empty text if the JWS contains its key.
    #[must_use]
    pub fn kid(&self) -> &str {
        match &self.key {
            NamedKey::Kid(kid) => kid,
            NamedKey::Jwk(_) => "",
        }
    }

    /// Verifies the signature with the given key and returns the claims.
    pub fn verify<T: DeserializeOwned>(&self, key: &Jwk) -> Result<T, JoseError> {
        let payload = self.jws.split('.').nth(1).and_then(decode).ok_or(JoseError::Malformed)?;
        check_unique(&payload)?;
        let key = DecodingKey::from_ec_components(&key.x, &key.y).map_err(|_library| JoseError::Key)?;
        let mut validation = Validation::new(Algorithm::ES256);
        // Callers check times and audience, with the service's clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let decoded = jsonwebtoken::decode::<T>(self.jws, &key, &validation).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::Json(_) => JoseError::Malformed,
            _ => JoseError::Signature,
        })?;
        Ok(decoded.claims)
    }

    /// Verifies the signature with the key in the JWS, and returns that key with the claims.
    pub fn verify_own<T: DeserializeOwned>(&self) -> Result<(Jwk, T), JoseError> {
        match &self.key {
            NamedKey::Jwk(key) => Ok((key.clone(), self.verify(key)?)),
            NamedKey::Kid(_) => Err(JoseError::UnknownKey),
        }
    }
}

fn check_header(alg: &str, typ: &str, expected: &str) -> Result<(), JoseError> {
    if alg == "ES256" && typ == expected { Ok(()) } else { Err(JoseError::Header) }
}

fn read_header<T: DeserializeOwned>(jws: &str) -> Result<T, JoseError> {
    if jws.len() > MAX_JWS {
        return Err(JoseError::TooLarge);
    }
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return Err(JoseError::Malformed);
    };
    let (Some(header), Some(_), Some(_)) = (decode(header), decode(payload), decode(signature)) else {
        return Err(JoseError::Malformed);
    };
    check_unique(&header)?;
    serde_json::from_slice(&header).map_err(|_other_members| JoseError::Header)
}

/// Checks that the text is a JSON object, and that no object in it, at any depth, repeats a member name.
pub fn check_unique(json: &[u8]) -> Result<(), JoseError> {
    // Without this check, serde would also read a structure from an array.
    // GUARD(json-object-service): unexpected_headers_are_refused
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(JoseError::Malformed);
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    Unique.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|_malformed| JoseError::Malformed)
}

struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Unique)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom("duplicate"));
            }
            members.next_value_seed(Unique)?;
        }
        Ok(())
    }
}
