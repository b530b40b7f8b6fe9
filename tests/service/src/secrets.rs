//! Creates random values, hashes cookies, authorization codes and tokens, and encrypts values that must not be readable
//! in the database.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The system has no randomness, or a sealed value can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret can't be created or opened")]
pub struct SecretError;

/// Encodes as base64url without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding. Returns `None` if the text is not canonical.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Returns fresh random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| SecretError)?;
    Ok(bytes)
}

/// Returns 128 random bits in base64url.
pub fn random_id() -> Result<String, SecretError> {
    Ok(encode(&random::<16>()?))
}

/// Returns a uniformly distributed random number below `limit`. A limit of 0 counts as 1.
pub fn random_below(limit: u32) -> Result<u32, SecretError> {
    let limit = limit.max(1);
    // This is a multiple of the limit. Random values from this multiple upward are discarded, because they would make
    // small results more likely.
    let fair = u32::MAX - u32::MAX.rem_euclid(limit);
    loop {
        let drawn = u32::from_be_bytes(random()?);
        if drawn < fair {
            return Ok(drawn.rem_euclid(limit));
        }
    }
}

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Returns random characters of Crockford's base32, which people can read aloud to each other.
pub fn crockford(length: usize) -> Result<String, SecretError> {
    let draw = |_at| {
        let index = usize::try_from(random_below(32)?).map_err(|_range| SecretError)?;
        CROCKFORD.get(index).map(|character| char::from(*character)).ok_or(SecretError)
    };
    (0..length).map(draw).collect()
}

/// Reads characters of Crockford's base32 as people type them. Ignores case, spaces and hyphens. Reads O as 0, and
/// reads I and L as 1. Returns `None` if the text contains any other character.
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

/// Returns the SHA-256 hash in base64url. This is the form in which cookies, authorization codes and tokens are stored.
#[must_use]
pub fn hashed(bytes: &[u8]) -> String {
    encode(digest(&SHA256, bytes).as_ref())
}

/// Derives a secret from another secret. The label names its purpose. Returns 256 bits in base64url.
#[must_use]
pub fn derived(secret: &str, label: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    encode(hmac::sign(&key, label.as_bytes()).as_ref())
}

/// Compares two texts in a time that does not show where they differ.
#[must_use]
pub fn same(left: &str, right: &str) -> bool {
    let (left, right) = (digest(&SHA256, left.as_bytes()), digest(&SHA256, right.as_bytes()));
    left.as_ref().iter().zip(right.as_ref()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// An encrypted value. Decryption needs the data key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed(String);

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealed(…)")
    }
}

impl Sealed {
    /// Returns the text form, base64url.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    /// Wraps the text form without a check. [`Sealer::open`] fails for an invalid text.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Encrypts values with the service's data key (AES-256-GCM). Each value is bound to a label.
pub struct Sealer(LessSafeKey);

impl Sealer {
    /// Creates the sealer from the data key.
    pub fn new(key: &[u8; 32]) -> Result<Self, SecretError> {
        UnboundKey::new(&AES_256_GCM, key).map(|key| Self(LessSafeKey::new(key))).map_err(|_length| SecretError)
    }

    /// Encrypts `plain`. `label` names the kind and the owner of the value.
    pub fn seal(&self, label: &str, plain: &[u8]) -> Result<Sealed, SecretError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = plain.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(label.as_bytes()), &mut sealed)
            .map_err(|_unspecified| SecretError)?;
        Ok(Sealed(encode(&[nonce.as_slice(), &sealed].concat())))
    }

    /// Decrypts a value. Fails if the value was encrypted with another label or another key.
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
