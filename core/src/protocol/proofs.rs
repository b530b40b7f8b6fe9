//! What the secret in a code proves: the MACs and digits of protocol section 3.
//!
//! The secret itself never travels; everything here is derived from the enrollment key K.

use argon2::{Algorithm, Argon2, Params, Version};
use ring::digest::{SHA256, digest};
use ring::hmac;
use zeroize::Zeroizing;

use crate::base::secret::Secret;

const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
const LANES: u32 = 1;
const KEY_LEN: usize = 32;
const DIGITS_MODULUS: u64 = 1_000_000;

/// The enrollment key can't be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no enrollment key")]
pub(crate) struct NoKey;

/// The enrollment key K.
#[derive(Clone)]
pub(crate) struct EnrollmentKey(Secret<Vec<u8>>);

impl EnrollmentKey {
    /// The secret of a scanned code is the key.
    pub(crate) fn from_scanned(secret: &[u8; 16]) -> Self {
        Self(Secret::new(secret.to_vec()))
    }

    /// The secret of a typed code has 40 bits, so guessing it is made slow (RFC 9106).
    pub(crate) fn from_typed(issuer: &str, id: &str, secret: &str) -> Result<Self, NoKey> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(KEY_LEN)).map_err(|_range| NoKey)?;
        let mut key = Zeroizing::new(vec![0; KEY_LEN]);
        let salt = prefixed(&[issuer.as_bytes(), id.as_bytes()]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(secret.as_bytes(), &salt, &mut key)
            .map_err(|_memory| NoKey)?;
        Ok(Self(Secret::new(key.to_vec())))
    }

    /// Reads what `to_bytes` wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, NoKey> {
        if matches!(bytes.len(), 16 | KEY_LEN) { Ok(Self(Secret::new(bytes.to_vec()))) } else { Err(NoKey) }
    }

    /// For the sealed column of the database only.
    pub(crate) fn to_bytes(&self) -> Secret<Vec<u8>> {
        self.0.clone()
    }

    pub(crate) fn look_up_mac(&self, issuer: &str, id: &str, nonce: &[u8; 16]) -> Vec<u8> {
        self.mac(&[b"look-up", issuer.as_bytes(), id.as_bytes(), nonce])
    }

    pub(crate) fn check_look_up_answer(&self, nonce: &[u8; 16], body: &[u8], mac: &[u8]) -> bool {
        self.check(&[b"look-up-answer", nonce, digest(&SHA256, body).as_ref()], mac)
    }

    pub(crate) fn bind_mac(
        &self,
        issuer: &str,
        id: &str,
        thumbprint: &[u8; 32],
        push_point: &[u8; 65],
        push_secret: &[u8; 16],
    ) -> Vec<u8> {
        self.mac(&[b"bind", issuer.as_bytes(), id.as_bytes(), thumbprint, push_point, push_secret])
    }

    pub(crate) fn check_bind_answer(&self, jti: &[u8; 16], body: &[u8], mac: &[u8]) -> bool {
        self.check(&[b"bind-answer", jti, digest(&SHA256, body).as_ref()], mac)
    }

    /// Six digits, ASCII whatever the phone's language.
    pub(crate) fn digits(&self, issuer: &str, thumbprint: &[u8; 32], push_point: &[u8; 65]) -> String {
        let mac = self.digits_mac(issuer, thumbprint, push_point);
        let first = mac.first_chunk::<8>().copied().unwrap_or_default();
        format!("{:06}", u64::from_be_bytes(first).rem_euclid(DIGITS_MODULUS))
    }

    pub(crate) fn digits_mac(&self, issuer: &str, thumbprint: &[u8; 32], push_point: &[u8; 65]) -> Vec<u8> {
        self.mac(&[b"digits", issuer.as_bytes(), thumbprint, push_point])
    }

    fn mac(&self, fields: &[&[u8]]) -> Vec<u8> {
        hmac::sign(&self.hmac_key(), &prefixed(fields)).as_ref().to_vec()
    }

    /// Compares in constant time.
    fn check(&self, fields: &[&[u8]], mac: &[u8]) -> bool {
        hmac::verify(&self.hmac_key(), &prefixed(fields), mac).is_ok()
    }

    fn hmac_key(&self) -> hmac::Key {
        // EXPOSE: the MAC is what the secret is for.
        hmac::Key::new(hmac::HMAC_SHA256, self.0.expose())
    }
}

/// Each field after its length in two bytes: two lists of fields never give the same bytes.
fn prefixed(fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in fields {
        // Every field is an issuer, an id, a key or a hash, far below 64 KiB; a longer one would only be cut.
        let length = u16::try_from(field.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend(field.iter().take(usize::from(length)));
    }
    bytes
}

#[cfg(test)]
mod tests;
