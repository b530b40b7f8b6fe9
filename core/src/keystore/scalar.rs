//! P-256 keys of the desktop's key stores. The functions zeroize their copies of a private scalar.

use p256::elliptic_curve::sec1::ToSec1Point;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use zeroize::Zeroizing;

use crate::base::secret::random;
use crate::values::platform::PlatformError;

/// Makes a random P-256 key.
///
/// # Errors
/// `Unusable` when the system gives no random bytes.
pub(super) fn fresh_key() -> Result<p256::SecretKey, PlatformError> {
    // One in 2^32 random scalars is out of range. Then the loop makes another scalar.
    loop {
        let scalar: [u8; 32] = random()?;
        if let Ok(key) = p256::SecretKey::from_slice(Zeroizing::new(scalar).as_slice()) {
            return Ok(key);
        }
    }
}

/// Returns the public point, uncompressed, 65 bytes.
pub(super) fn point_of(key: &p256::SecretKey) -> Vec<u8> {
    key.public_key().to_sec1_point(false).as_bytes().to_vec()
}

/// Signs with ECDSA and SHA-256; the signature is in ASN.1 DER (RFC 3279 section 2.2.3).
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
