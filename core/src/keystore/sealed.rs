//! Sealing for the desktop's key stores: AES-256-GCM with a random nonce of 12 bytes before the ciphertext.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::base::secret::random;
use crate::values::platform::PlatformError;

/// Returns the sealing key from its 32 bytes. Fails with `Unusable` for another length.
pub(super) fn aead_key(key: &[u8]) -> Result<LessSafeKey, PlatformError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_length| PlatformError::Unusable)
}

/// Returns nonce, ciphertext and tag. `label` is authenticated: a value sealed under another label does not open.
pub(super) fn seal(key: &LessSafeKey, label: &[u8], plain: &[u8]) -> Result<Vec<u8>, PlatformError> {
    let nonce: [u8; NONCE_LEN] = random()?;
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(label), &mut sealed)
        .map_err(|_unspecified| PlatformError::Unusable)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens the result of `seal` with the same key and label.
///
/// # Errors
/// `Unusable`. The caller decides what the error means: a wrong passphrase, another device, or damage.
pub(super) fn open(key: &LessSafeKey, label: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlatformError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(PlatformError::Unusable)?;
    let mut buffer = Zeroizing::new(body.to_vec());
    let plain = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(label), &mut buffer)
        .map_err(|_unspecified| PlatformError::Unusable)?;
    Ok(Zeroizing::new(plain.to_vec()))
}
