//! Sealing: AES-256-GCM under one key, bound to the place where the value stands.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::base::secret::random;

#[cfg(feature = "authenticator")]
const KEY_LEN: usize = 32;

/// Why something can't be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    #[error("no randomness")]
    NoRandomness,
    #[error("not a key of 32 bytes")]
    Key,
    #[error("altered, moved, or sealed under another key")]
    Unreadable,
}

/// Where a sealed value stands: a value moved to another place does not open.
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) row: &'a str,
    pub(crate) column: &'static str,
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        // No field contains a zero byte, so the joined text has one reading only.
        [self.table, self.row, self.column].join("\0").into_bytes()
    }
}

pub(crate) struct Sealer(LessSafeKey);

impl Sealer {
    #[cfg(feature = "authenticator")]
    pub(crate) fn make() -> Result<(Self, Zeroizing<[u8; KEY_LEN]>), SealError> {
        let key = Zeroizing::new(random::<KEY_LEN>().map_err(|_none| SealError::NoRandomness)?);
        Ok((Self::new(key.to_vec())?, key))
    }

    pub(crate) fn new(key: Vec<u8>) -> Result<Self, SealError> {
        let key = Zeroizing::new(key);
        let unbound = UnboundKey::new(&AES_256_GCM, &key).map_err(|_length| SealError::Key)?;
        Ok(Self(LessSafeKey::new(unbound)))
    }

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
    fn what_was_sealed_opens_in_its_own_place() {
        let (sealer, _key) = Sealer::make().unwrap();
        let sealed = sealer.seal(&PLACE, b"secret").unwrap();
        assert_eq!(sealer.open(&PLACE, &sealed).unwrap().as_slice(), b"secret");
    }

    #[test]
    fn a_value_moved_altered_or_cut_does_not_open() {
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
    fn another_key_does_not_open() {
        let (sealer, _key) = Sealer::make().unwrap();
        let (other, _key) = Sealer::make().unwrap();
        assert!(other.open(&PLACE, &sealer.seal(&PLACE, b"secret").unwrap()).is_err());
    }
}
