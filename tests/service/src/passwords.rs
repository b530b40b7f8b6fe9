//! Hashing of passwords.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::secrets::{SecretError, random_id};

/// Password hashing: 19 MiB, two passes, the OWASP minimum.
const PASSWORD_MEMORY_KIB: u32 = 19_456;

const PASSWORD_PASSES: u32 = 2;

fn hasher() -> Result<Argon2<'static>, SecretError> {
    let params = Params::new(PASSWORD_MEMORY_KIB, PASSWORD_PASSES, 1, None).map_err(|_range| SecretError)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A hashed password.
pub struct Hash(String);

impl Hash {
    /// As it is stored (PHC string).
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Hashes a password; slow, for a blocking thread.
pub fn hash(password: &str) -> Result<Hash, SecretError> {
    Ok(Hash(hasher()?.hash_password(password.as_bytes()).map_err(|_library| SecretError)?.to_string()))
}

/// The hash that a name nobody has is checked against, so that it costs the same.
pub struct Decoy(String);

impl Decoy {
    /// Hashes something nobody types.
    pub fn new() -> Result<Self, SecretError> {
        Ok(Self(hash(&random_id()?)?.0))
    }

    /// As it would be stored.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.0
    }
}

/// Compares a password with a hash; slow, for a blocking thread.
#[must_use]
pub fn verify_password(password: &str, hash: &str) -> bool {
    let (Ok(hasher), Ok(hash)) = (hasher(), PasswordHash::new(hash)) else {
        return false;
    };
    hasher.verify_password(password.as_bytes(), &hash).is_ok()
}
