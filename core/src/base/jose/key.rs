//! P-256 public keys as point, JWK (RFC 7517) and thumbprint (RFC 7638), and the verification of signatures.

use p256::elliptic_curve::sec1::ToSec1Point;
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::base::jose::base64url;
use crate::base::jose::error::JoseError;

/// The only accepted algorithm: ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4).
pub(super) const ALGORITHM: &str = "ES256";
const POINT_LEN: usize = 65;
const COORDINATE_LEN: usize = 32;
const UNCOMPRESSED: u8 = 4;

/// A public key: an uncompressed point that was checked to lie on P-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey([u8; POINT_LEN]);

/// A JWK (RFC 7517) as it was received, unchecked. `PublicKey::from_jwk` checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

impl PublicKey {
    /// Reads an uncompressed point (SEC 1 section 2.3.4), 65 bytes.
    ///
    /// # Errors
    /// `Point` for another length or encoding, the point at infinity, or a point off the curve.
    pub(crate) fn from_sec1(point: &[u8]) -> Result<Self, JoseError> {
        let bytes: [u8; POINT_LEN] = point.try_into().map_err(|_length| JoseError::Point)?;
        let on_curve = p256::PublicKey::from_sec1_bytes(&bytes).map_err(|_off_curve| JoseError::Point)?;
        // Refuses compressed and hybrid encodings, so that each key has one form.
        if on_curve.to_sec1_point(false).as_bytes() != bytes {
            return Err(JoseError::Point);
        }
        Ok(Self(bytes))
    }

    /// Reads a JWK with `kty` `EC`, `crv` `P-256` and two coordinates of 32 bytes.
    ///
    /// # Errors
    /// `Base64` for a malformed coordinate; `Point` for any other fault.
    pub(crate) fn from_jwk(jwk: &Jwk) -> Result<Self, JoseError> {
        if jwk.kty != "EC" || jwk.crv != "P-256" {
            return Err(JoseError::Point);
        }
        let (x, y) = (base64url::decode(&jwk.x)?, base64url::decode(&jwk.y)?);
        // GUARD(coordinate-length): coordinates_have_32_bytes_with_leading_zeros
        // INSTEAD: if x.is_empty() {
        if x.len() != COORDINATE_LEN || y.len() != COORDINATE_LEN {
            return Err(JoseError::Point);
        }
        Self::from_sec1(&[&[UNCOMPRESSED], x.as_slice(), &y].concat())
    }

    fn coordinates(&self) -> (String, String) {
        let [_form, coordinates @ ..] = &self.0;
        let (x, y) = coordinates.split_at(COORDINATE_LEN);
        (base64url::encode(x), base64url::encode(y))
    }

    /// Returns the thumbprint: SHA-256 over the canonical JSON of the required members (RFC 7638 section 3).
    pub(crate) fn thumbprint(&self) -> [u8; 32] {
        let (x, y) = self.coordinates();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let mut thumbprint = [0; 32];
        thumbprint.copy_from_slice(digest(&SHA256, canonical.as_bytes()).as_ref());
        thumbprint
    }

    /// Verifies an ECDSA signature with SHA-256. The signature consists of r and s, 64 bytes (RFC 7518 section 3.4).
    ///
    /// # Errors
    /// `Signature`.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.0)
            .verify(message, signature)
            .map_err(|_unspecified| JoseError::Signature)
    }
}

#[cfg(feature = "authenticator")]
impl PublicKey {
    /// Returns the uncompressed point, 65 bytes.
    pub(crate) fn as_sec1(&self) -> &[u8] {
        &self.0
    }

    /// Returns the JWK, with the four required members only.
    pub(crate) fn to_jwk(&self) -> Jwk {
        let (x, y) = self.coordinates();
        Jwk { kty: "EC".to_owned(), crv: "P-256".to_owned(), x, y }
    }
}
