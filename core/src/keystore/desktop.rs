//! What a desktop's key store can do beside a platform's.

use crate::base::secret::Secret;
use crate::values::platform::{KeyStore, PlatformError};

/// A key store of a desktop: keys that ask nobody, and keys behind the lock.
pub trait DesktopKeyStore: KeyStore + PassphraseGuard {}

impl<S: KeyStore + PassphraseGuard> DesktopKeyStore for S {}

/// A passphrase as device lock, asked for at each use of a key that it guards.
///
/// # Security
/// Guarded keys are sealed under the passphrase itself (Argon2id, RFC 9106), so an open key store can't use
/// them by itself. Removing the lock destroys them.
pub trait PassphraseGuard: Send + Sync {
    /// Whether a lock is set; needs no passphrase.
    ///
    /// # Errors
    /// As the key store's own.
    fn has_lock(&self) -> Result<bool, PlatformError>;

    /// Sets the lock, or changes it: then `old` must be right, and every guarded key is sealed anew.
    ///
    /// # Errors
    /// `WrongPassphrase`; nothing was changed.
    fn set_lock(&self, new: &Secret<String>, old: Option<&Secret<String>>) -> Result<(), PlatformError>;

    /// Removes the lock and destroys every guarded key.
    ///
    /// # Errors
    /// `WrongPassphrase`; nothing was changed.
    fn remove_lock(&self, passphrase: &Secret<String>) -> Result<(), PlatformError>;

    /// Makes a guarded P-256 key and returns its public point (65 bytes); one that is there already is kept.
    ///
    /// # Errors
    /// `WrongPassphrase`; `Unusable` without a lock.
    fn make_guarded(&self, alias: String, passphrase: &Secret<String>) -> Result<Vec<u8>, PlatformError>;

    /// Signs with a guarded key; ASN.1 DER.
    ///
    /// # Errors
    /// `WrongPassphrase`; `Gone` when there is no such key.
    fn sign_guarded(
        &self,
        alias: String,
        message: Vec<u8>,
        passphrase: &Secret<String>,
    ) -> Result<Vec<u8>, PlatformError>;
}
