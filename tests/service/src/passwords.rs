//! Hashes and verifies passwords.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::secrets::{SecretError, random_id};

/// Argon2id with 19 MiB and two iterations, the minimum that OWASP recommends.
const PASSWORD_MEMORY_KIB: u32 = 19_456;

const PASSWORD_PASSES: u32 = 2;

fn hasher() -> Result<Argon2<'static>, SecretError> {
    let params = Params::new(PASSWORD_MEMORY_KIB, PASSWORD_PASSES, 1, None).map_err(|_range| SecretError)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A hashed password.
pub struct Hash(String);

impl Hash {
    /// Returns the stored form (PHC string).
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Hashes a password. Slow: call it on a blocking thread.
pub fn hash(password: &str) -> Result<Hash, SecretError> {
    Ok(Hash(hasher()?.hash_password(password.as_bytes()).map_err(|_library| SecretError)?.to_string()))
}

/// The hash with which passwords for unknown user names are compared, so that the response time does not show which
/// user names exist.
pub struct Decoy(String);

impl Decoy {
    /// Creates the decoy: the hash of a random value that is not kept.
    pub fn new() -> Result<Self, SecretError> {
        Ok(Self(hash(&random_id()?)?.0))
    }

    /// Returns the hash as a PHC string.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.0
    }
}

/// Returns whether a password matches a stored hash. Slow: call it on a blocking thread.
#[must_use]
pub fn verify_password(password: &str, hash: &str) -> bool {
    let (Ok(hasher), Ok(hash)) = (hasher(), PasswordHash::new(hash)) else {
        return false;
    };
    hasher.verify_password(password.as_bytes(), &hash).is_ok()
}
