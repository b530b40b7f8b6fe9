//! P-256 keys as the desktop's key stores hold them: opened only as long as one use lasts.

use p256::elliptic_curve::sec1::ToSec1Point;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use zeroize::Zeroizing;

use crate::base::secret::random;
use crate::values::platform::PlatformError;

pub(super) fn fresh_key() -> Result<p256::SecretKey, PlatformError> {
    // A random scalar is out of range once in 2^32 tries; then another is drawn.
    loop {
        let scalar: [u8; 32] = random()?;
        if let Ok(key) = p256::SecretKey::from_slice(Zeroizing::new(scalar).as_slice()) {
            return Ok(key);
        }
    }
}

pub(super) fn point_of(key: &p256::SecretKey) -> Vec<u8> {
    key.public_key().to_sec1_point(false).as_bytes().to_vec()
}

/// ECDSA with SHA-256, ASN.1 DER.
pub(super) fn sign_with(key: &p256::SecretKey, message: &[u8]) -> Result<Vec<u8>, PlatformError> {
    let scalar = Zeroizing::new(key.to_bytes());
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &scalar,
        &point_of(key),
        &random,
    )
    .map_err(|_rejected| PlatformError::Unusable)?;
    let signature = pair.sign(&random, message).map_err(|_unspecified| PlatformError::Transient)?;
    Ok(signature.as_ref().to_vec())
}
