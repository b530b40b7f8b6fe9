//! Sealing of secret columns: AES-256-GCM under the store key, bound to table, row and column.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::error::{Error, StoreFault};
use crate::platform::PlatformError;
use crate::secret::random;

const KEY_LEN: usize = 32;

/// Where a sealed value stands: a value moved to another place does not open.
pub(super) struct Place<'a> {
    pub(super) table: &'static str,
    pub(super) row: &'a str,
    pub(super) column: &'static str,
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        // No field contains a zero byte, so the joined text has one reading only.
        [self.table, self.row, self.column].join("\0").into_bytes()
    }
}

pub(super) struct Sealer(LessSafeKey);

impl Sealer {
    pub(super) fn make() -> Result<(Self, Zeroizing<[u8; KEY_LEN]>), Error> {
        let key = Zeroizing::new(random::<KEY_LEN>().map_err(|_none| Error::Platform(PlatformError::Unusable))?);
        Ok((Self::new(key.to_vec())?, key))
    }

    pub(super) fn new(key: Vec<u8>) -> Result<Self, Error> {
        let key = Zeroizing::new(key);
        let unbound =
            UnboundKey::new(&AES_256_GCM, &key).map_err(|_length| Error::Platform(PlatformError::Unusable))?;
        Ok(Self(LessSafeKey::new(unbound)))
    }

    pub(super) fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE_LEN] = random().map_err(|_none| Error::Platform(PlatformError::Unusable))?;
        let mut sealed = plain.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.associated_data()),
                &mut sealed,
            )
            .map_err(|_unspecified| Error::Store(StoreFault::Other))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub(super) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let unreadable = Error::Store(StoreFault::Record);
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(unreadable.clone())?;
        let mut buffer = Zeroizing::new(body.to_vec());
        let plain = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.associated_data()), &mut buffer)
            .map_err(|_unspecified| unreadable)?;
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
            assert_eq!(sealer.open(&place, &sealed), Err(Error::Store(StoreFault::Record)));
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
