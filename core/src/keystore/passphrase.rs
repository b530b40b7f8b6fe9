//! Derives a key from a passphrase with Argon2id (RFC 9106), so that guessing is slow: 64 MiB, 3 passes, 1 lane.

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::LessSafeKey;
use zeroize::Zeroizing;

use crate::base::secret::Secret;
use crate::keystore::sealed::aead_key;
use crate::values::platform::PlatformError;

pub(super) const SALT_LEN: usize = 16;
pub(super) const KEY_LEN: usize = 32;
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// Derives the AES-256-GCM key of a passphrase. Takes about a tenth of a second.
///
/// # Errors
/// `Transient` when the memory is not available.
pub(super) fn key_of(passphrase: &Secret<String>, salt: &[u8]) -> Result<LessSafeKey, PlatformError> {
    let (memory, passes) = cost();
    let params = Params::new(memory, passes, LANES, Some(KEY_LEN)).map_err(|_range| PlatformError::Unusable)?;
    let mut key = Zeroizing::new([0; KEY_LEN]);
    // EXPOSE: the key is derived from the passphrase.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, key.as_mut_slice())
        .map_err(|_memory| PlatformError::Transient)?;
    aead_key(key.as_slice())
}

#[cfg(not(feature = "testing"))]
fn cost() -> (u32, u32) {
    (MEMORY_KIB, PASSES)
}

#[cfg(feature = "testing")]
fn cost() -> (u32, u32) {
    if cheap::IS_CHEAP.load(std::sync::atomic::Ordering::Relaxed) { cheap::COST } else { (MEMORY_KIB, PASSES) }
}

/// Cheap parameters for the torture tests, which open key stores 60,000 times. With the real parameters, deriving keys
/// would take most of the tests' time.
#[cfg(feature = "testing")]
pub(crate) mod cheap {
    use std::sync::atomic::{AtomicBool, Ordering};

    pub(super) const COST: (u32, u32) = (8, 1);
    pub(super) static IS_CHEAP: AtomicBool = AtomicBool::new(false);

    /// Makes this process derive keys with the cheap parameters from now on. The process can then open only key stores
    /// that were made with the cheap parameters.
    pub fn passphrases_are_cheap() {
        IS_CHEAP.store(true, Ordering::Relaxed);
    }
}
