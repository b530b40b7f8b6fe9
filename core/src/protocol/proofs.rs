//! The MACs and digits that prove knowledge of a code's secret (section 3 of the protocol).
//!
//! The secret is never sent: everything here is computed with the enrollment key K.

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

/// The enrollment key can't be derived because memory is not available, or can't be read because its stored bytes are
/// malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the enrollment key can't be derived or read")]
pub(crate) struct NoKey;

/// The enrollment key K: 16 bytes from a scanned code, 32 bytes from a typed one.
///
/// # Security
/// Anyone who has K can bind a phone to the account. Therefore K is stored sealed, and deleted when the enrollment
/// ends.
#[derive(Clone)]
pub(crate) struct EnrollmentKey(Secret<Vec<u8>>);

impl EnrollmentKey {
    /// Uses the secret of a scanned code, which is K itself.
    pub(crate) fn from_scanned(secret: &[u8; 16]) -> Self {
        Self(Secret::new(secret.to_vec()))
    }

    /// Derives K from the secret of a typed code with Argon2id (RFC 9106): 64 MiB, 3 passes, 1 lane.
    ///
    /// # Errors
    /// `NoKey` when the memory is not available.
    ///
    /// # Security
    /// The secret has only 40 bits. An attacker who recorded a MAC needs this memory and time for each guess, and the
    /// enrollment ends after ten minutes.
    pub(crate) fn from_typed(issuer: &str, id: &str, secret: &str) -> Result<Self, NoKey> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(KEY_LEN)).map_err(|_range| NoKey)?;
        let mut key = Zeroizing::new(vec![0; KEY_LEN]);
        let salt = prefixed(&[issuer.as_bytes(), id.as_bytes()]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(secret.as_bytes(), &salt, &mut key)
            .map_err(|_memory| NoKey)?;
        Ok(Self(Secret::new(key.to_vec())))
    }

    /// Reads K from the bytes that `to_bytes` returned.
    ///
    /// # Errors
    /// `NoKey` when the length is neither 16 nor 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, NoKey> {
        if matches!(bytes.len(), 16 | KEY_LEN) { Ok(Self(Secret::new(bytes.to_vec()))) } else { Err(NoKey) }
    }

    /// Returns K's bytes, only to be stored in a sealed column of the database.
    pub(crate) fn to_bytes(&self) -> Secret<Vec<u8>> {
        self.0.clone()
    }

    /// Returns the MAC of a look-up request (section 3.1).
    pub(crate) fn look_up_mac(&self, issuer: &str, id: &str, nonce: &[u8; 16]) -> Vec<u8> {
        self.mac(&[b"look-up", issuer.as_bytes(), id.as_bytes(), nonce])
    }

    /// Verifies the MAC over a look-up response's bytes. A wrong MAC means that the server does not know the code's
    /// secret.
    pub(crate) fn check_look_up_answer(&self, nonce: &[u8; 16], body: &[u8], mac: &[u8]) -> bool {
        self.check(&[b"look-up-answer", nonce, digest(&SHA256, body).as_ref()], mac)
    }

    /// Returns the MAC of a bind (section 3.2). The MAC covers the device key and the push key, so an attacker can't
    /// use the MAC for other keys.
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

    /// Verifies the MAC over a bind response's bytes.
    pub(crate) fn check_bind_answer(&self, jti: &[u8; 16], body: &[u8], mac: &[u8]) -> bool {
        self.check(&[b"bind-answer", jti, digest(&SHA256, body).as_ref()], mac)
    }

    /// Returns the six digits of section 3.3, in ASCII in every language of the phone.
    ///
    /// The digits depend on the device key. If the service bound an attacker's phone instead of this phone, the service
    /// expects other digits.
    pub(crate) fn digits(&self, issuer: &str, thumbprint: &[u8; 32], push_point: &[u8; 65]) -> String {
        let mac = self.digits_mac(issuer, thumbprint, push_point);
        let first = mac.first_chunk::<8>().copied().unwrap_or_default();
        format!("{:06}", u64::from_be_bytes(first).rem_euclid(DIGITS_MODULUS))
    }

    /// Returns the MAC from which the digits are taken.
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
        // EXPOSE: K is the key of the MAC.
        hmac::Key::new(hmac::HMAC_SHA256, self.0.expose())
    }
}

/// Concatenates fields, each after its length as two bytes, big-endian (`lp` of section 1). Different lists always give
/// different bytes.
fn prefixed(fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in fields {
        // Each field is a label, an issuer, an id, a key or a hash, all far below 64 KiB. A longer field would be cut.
        let length = u16::try_from(field.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend(field.iter().take(usize::from(length)));
    }
    bytes
}

#[cfg(test)]
mod tests;
