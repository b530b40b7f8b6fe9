//! Seals values with AES-256-GCM under one key. Each sealed value is bound to the place where it is stored.

#[cfg(feature = "authenticator")]
use ring::aead::MAX_TAG_LEN;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::base::secret::random;

/// By how many bytes a sealed value is longer than the plain value: nonce and tag.
#[cfg(feature = "authenticator")]
pub(crate) const OVERHEAD: usize = NONCE_LEN + MAX_TAG_LEN;
#[cfg(feature = "authenticator")]
const KEY_LEN: usize = 32;

/// Why a value can't be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    /// The system gives no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
    /// The key does not have 32 bytes.
    #[error("the sealing key does not have 32 bytes")]
    Key,
    /// The value is too short, or its authentication tag is wrong: the value was altered or moved, or another key
    /// sealed it.
    #[error("the sealed value was altered or moved, or another key sealed it")]
    Unreadable,
}

/// Where a sealed value is stored. The place is authenticated, so a value that an attacker moved to another row or
/// column does not open.
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) row: &'a str,
    pub(crate) column: &'static str,
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        // No field contains a zero byte, so different places never give the same text.
        [self.table, self.row, self.column].join("\0").into_bytes()
    }
}

/// A sealing key. Nonces are random, 96 bits, and stored before the ciphertext.
pub(crate) struct Sealer(LessSafeKey);

impl Sealer {
    /// Makes a sealer with a random key, and also returns the key's bytes, for the key store to wrap.
    ///
    /// # Errors
    /// `NoRandomness`.
    #[cfg(feature = "authenticator")]
    pub(crate) fn make() -> Result<(Self, Zeroizing<[u8; KEY_LEN]>), SealError> {
        let key = Zeroizing::new(random::<KEY_LEN>().map_err(|_none| SealError::NoRandomness)?);
        Ok((Self::new(key.to_vec())?, key))
    }

    /// Makes a sealer with the key that `make` returned, and zeroizes the argument.
    ///
    /// # Errors
    /// `Key` when the key does not have 32 bytes.
    pub(crate) fn new(key: Vec<u8>) -> Result<Self, SealError> {
        let key = Zeroizing::new(key);
        let unbound = UnboundKey::new(&AES_256_GCM, &key).map_err(|_length| SealError::Key)?;
        Ok(Self(LessSafeKey::new(unbound)))
    }

    /// Returns nonce (12 bytes), ciphertext and tag (16 bytes).
    ///
    /// # Errors
    /// `NoRandomness`.
    pub(crate) fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = random().map_err(|_none| SealError::NoRandomness)?;
        let mut sealed = plain.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.associated_data()),
                &mut sealed,
            )
            .map_err(|_unspecified| SealError::Unreadable)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens the result of `seal` for the same place and key.
    ///
    /// # Errors
    /// `Unreadable`: no part of the value is returned.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Unreadable)?;
        let mut buffer = Zeroizing::new(body.to_vec());
        let plain = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.associated_data()), &mut buffer)
            .map_err(|_unspecified| SealError::Unreadable)?;
        Ok(Zeroizing::new(plain.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    const PLACE: Place<'static> = Place { table: "accounts", row: "a", column: "push_keys" };

    #[test]
    fn a_sealed_value_opens_in_its_own_place() {
        let (sealer, _key) = Sealer::make().unwrap();
        let sealed = sealer.seal(&PLACE, b"secret").unwrap();
        assert_eq!(sealer.open(&PLACE, &sealed).unwrap().as_slice(), b"secret");
    }

    #[test]
    fn a_moved_altered_or_truncated_value_does_not_open() {
        let (sealer, _key) = Sealer::make().unwrap();
        let sealed = sealer.seal(&PLACE, b"secret").unwrap();
        for place in
            [Place { table: "enrollments", ..PLACE }, Place { row: "b", ..PLACE }, Place { column: "key", ..PLACE }]
        {
            assert_eq!(sealer.open(&place, &sealed), Err(SealError::Unreadable));
        }
        let mut altered = sealed.clone();
        altered[NONCE_LEN] ^= 1;
        assert!(sealer.open(&PLACE, &altered).is_err());
        assert!(sealer.open(&PLACE, &sealed[..NONCE_LEN]).is_err());
        assert!(sealer.open(&PLACE, b"short").is_err());
    }

    #[test]
    fn a_sealed_value_opens_only_with_its_own_key() {
        let (sealer, _key) = Sealer::make().unwrap();
        let (other, _key) = Sealer::make().unwrap();
        assert!(other.open(&PLACE, &sealer.seal(&PLACE, b"secret").unwrap()).is_err());
    }
}
