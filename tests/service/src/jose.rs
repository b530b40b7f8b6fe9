//! JOSE by a stock library, behind a strict pass of our own.
//!
//! `jsonwebtoken` checks the signature; it checks neither `typ` nor `crit` nor doubled member names, so
//! the header is looked at first and nothing but the expected one goes on.

use std::collections::HashSet;
use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::pkcs8::EncodePrivateKey;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::secrets::{decode, encode, random};

const MAX_JWS: usize = 8_192;
/// An ES256 signature, encoded.
const SIGNATURE: usize = 86;

/// Why a JWS was refused; never told to the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// Longer than 8,192 bytes.
    #[error("too large")]
    TooLarge,
    /// Not three canonical base64url parts of JSON with unique member names.
    #[error("malformed")]
    Malformed,
    /// The header is not exactly the expected one.
    #[error("unexpected header")]
    Header,
    /// The key is not a point on P-256.
    #[error("bad key")]
    Key,
    /// No key by that name.
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
    /// `EC`.
    pub kty: String,
    /// `P-256`.
    pub crv: String,
    /// 32 bytes, base64url.
    pub x: String,
    /// 32 bytes, base64url.
    pub y: String,
}

impl Jwk {
    fn of(key: &p256::PublicKey) -> Self {
        let point = key.to_sec1_point(false);
        let part = |coordinate: Option<&p256::FieldBytes>| coordinate.map(|bytes| encode(bytes)).unwrap_or_default();
        Self { kty: "EC".to_owned(), crv: "P-256".to_owned(), x: part(point.x()), y: part(point.y()) }
    }

    /// The uncompressed point, 65 bytes; refuses what is not on the curve.
    pub fn point(&self) -> Result<Vec<u8>, JoseError> {
        let (x, y) = (decode(&self.x).ok_or(JoseError::Key)?, decode(&self.y).ok_or(JoseError::Key)?);
        let point = [&[4], x.as_slice(), &y].concat();
        let right = self.kty == "EC" && self.crv == "P-256" && x.len() == 32 && y.len() == 32;
        if !right || p256::PublicKey::from_sec1_bytes(&point).is_err() {
            return Err(JoseError::Key);
        }
        Ok(point)
    }

    /// RFC 7638, raw.
    #[must_use]
    pub fn thumbprint_bytes(&self) -> Vec<u8> {
        let canonical = format!(r#"{{"crv":"{}","kty":"{}","x":"{}","y":"{}"}}"#, self.crv, self.kty, self.x, self.y);
        ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes()).as_ref().to_vec()
    }

    /// RFC 7638, base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        encode(&self.thumbprint_bytes())
    }
}

/// A key of the service that signs.
pub struct SigningKey {
    encoding: EncodingKey,
    public: Jwk,
    kid: String,
}

impl SigningKey {
    /// A fresh private scalar.
    #[must_use]
    pub fn make_scalar() -> Option<zeroize::Zeroizing<Vec<u8>>> {
        // A random scalar is out of range once in 2^32 tries.
        (0..8).find_map(|_try| {
            let scalar = zeroize::Zeroizing::new(random::<32>().ok()?.to_vec());
            p256::SecretKey::from_slice(&scalar).ok().map(|_in_range| scalar)
        })
    }

    /// From a private scalar.
    pub fn from_scalar(scalar: &[u8]) -> Result<Self, JoseError> {
        let key = p256::SecretKey::from_slice(scalar).map_err(|_range| JoseError::Key)?;
        let der = key.to_pkcs8_der().map_err(|_encoding| JoseError::Key)?;
        let public = Jwk::of(&key.public_key());
        Ok(Self { encoding: EncodingKey::from_ec_der(der.as_bytes()), kid: public.thumbprint(), public })
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> &Jwk {
        &self.public
    }

    /// Its name: the thumbprint.
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

    /// Whether a phone reads what `sign` would make: at most 8,192 bytes (protocol section 1).
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

/// A JWS whose form and header are right, and whose signature nobody has looked at yet.
pub struct Unverified<'a> {
    jws: &'a str,
    key: NamedKey,
}

enum NamedKey {
    Kid(String),
    Jwk(Jwk),
}

impl<'a> Unverified<'a> {
    /// A JWS that names its key by `kid`.
    pub fn by_kid(jws: &'a str, typ: &str) -> Result<Self, JoseError> {
        let header: KidHeader = read_header(jws)?;
        check_header(&header.alg, &header.typ, typ)?;
        Ok(Self { jws, key: NamedKey::Kid(header.kid) })
    }

    /// A JWS that brings its key along; only for the message that introduces it.
    pub fn by_jwk(jws: &'a str, typ: &str) -> Result<Self, JoseError> {
        let header: JwkHeader = read_header(jws)?;
        check_header(&header.alg, &header.typ, typ)?;
        header.jwk.point()?;
        Ok(Self { jws, key: NamedKey::Jwk(header.jwk) })
    }

    /// The name of the key, to look it up.
    #[must_use]
    pub fn kid(&self) -> &str {
        match &self.key {
            NamedKey::Kid(kid) => kid,
            NamedKey::Jwk(_) => "",
        }
    }

    /// Verifies with a key that was looked up.
    pub fn verify<T: DeserializeOwned>(&self, key: &Jwk) -> Result<T, JoseError> {
        let payload = self.jws.split('.').nth(1).and_then(decode).ok_or(JoseError::Malformed)?;
        check_unique(&payload)?;
        let key = DecodingKey::from_ec_components(&key.x, &key.y).map_err(|_library| JoseError::Key)?;
        let mut validation = Validation::new(Algorithm::ES256);
        // Times and audience have rules of their own, checked by the rooms with the service's clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let decoded = jsonwebtoken::decode::<T>(self.jws, &key, &validation).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::Json(_) => JoseError::Malformed,
            _ => JoseError::Signature,
        })?;
        Ok(decoded.claims)
    }

    /// Verifies with the key it brought, and hands that out.
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

/// Refuses what is no JSON object, and one in which a member name stands twice, at any depth.
pub fn check_unique(json: &[u8]) -> Result<(), JoseError> {
    // An array of its members' values would do for a structure too.
    // GUARD(json-object-service): a_header_that_is_not_exactly_the_expected_one_is_refused
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
