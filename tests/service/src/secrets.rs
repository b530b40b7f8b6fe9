//! Randomness, hashes of bearer values, and sealing of what the database must not show.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The system has no randomness, or a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("secret can't be made or opened")]
pub struct SecretError;

/// base64url without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// base64url without padding, canonical only.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Fresh random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| SecretError)?;
    Ok(bytes)
}

/// 128 random bits as text.
pub fn random_id() -> Result<String, SecretError> {
    Ok(encode(&random::<16>()?))
}

/// A random number below `limit`, each as likely as any other.
pub fn random_below(limit: u32) -> Result<u32, SecretError> {
    let limit = limit.max(1);
    // The largest multiple of the limit: draws above it would favour small numbers.
    let fair = u32::MAX - u32::MAX.rem_euclid(limit);
    loop {
        let drawn = u32::from_be_bytes(random()?);
        if drawn < fair {
            return Ok(drawn.rem_euclid(limit));
        }
    }
}

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Random characters that people can read to each other (Crockford's base32).
pub fn crockford(length: usize) -> Result<String, SecretError> {
    let draw = |_at| {
        let index = usize::try_from(random_below(32)?).map_err(|_range| SecretError)?;
        CROCKFORD.get(index).map(|character| char::from(*character)).ok_or(SecretError)
    };
    (0..length).map(draw).collect()
}

/// Reads them as people type them: case, spaces and hyphens don't matter, O is 0, I and L are 1.
#[must_use]
pub fn crockford_read(typed: &str) -> Option<String> {
    let plain = |character: char| match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let text: String =
        typed.chars().filter(|character| !character.is_whitespace() && *character != '-').map(plain).collect();
    text.bytes().all(|byte| CROCKFORD.contains(&byte)).then_some(text)
}

/// SHA-256, base64url: how cookies, codes and tokens are stored.
#[must_use]
pub fn hashed(bytes: &[u8]) -> String {
    encode(digest(&SHA256, bytes).as_ref())
}

/// Compares two texts without telling by time where they differ.
#[must_use]
pub fn same(left: &str, right: &str) -> bool {
    let (left, right) = (digest(&SHA256, left.as_bytes()), digest(&SHA256, right.as_bytes()));
    left.as_ref().iter().zip(right.as_ref()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// A value that only this installation can open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed(String);

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealed(…)")
    }
}

impl Sealed {
    /// As text, base64url.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    /// From such text; whether it opens is seen by opening it.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Seals with the installation's data key, bound to a label.
pub struct Sealer(LessSafeKey);

impl Sealer {
    /// From the data key.
    pub fn new(key: &[u8; 32]) -> Result<Self, SecretError> {
        UnboundKey::new(&AES_256_GCM, key).map(|key| Self(LessSafeKey::new(key))).map_err(|_length| SecretError)
    }

    /// Seals `plain`; `label` says what it is and whose.
    pub fn seal(&self, label: &str, plain: &[u8]) -> Result<Sealed, SecretError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = plain.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(label.as_bytes()), &mut sealed)
            .map_err(|_unspecified| SecretError)?;
        Ok(Sealed(encode(&[nonce.as_slice(), &sealed].concat())))
    }

    /// Opens what was sealed under the same label.
    pub fn open(&self, label: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let bytes = decode(&sealed.0).ok_or(SecretError)?;
        let (nonce, body) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(SecretError)?;
        let mut buffer = Zeroizing::new(body.to_vec());
        let plain = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(label.as_bytes()), &mut buffer)
            .map_err(|_unspecified| SecretError)?;
        Ok(Zeroizing::new(plain.to_vec()))
    }
}
