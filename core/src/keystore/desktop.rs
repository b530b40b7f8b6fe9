//! The traits of a desktop's key store. A desktop's key store implements the port `KeyStore`, and adds keys that are
//! guarded by a passphrase.

use crate::base::secret::Secret;
use crate::values::platform::{KeyStore, PlatformError};

/// A desktop's key store: device keys, and sign-in keys guarded by a passphrase. Implemented automatically for every
/// type with both traits.
pub trait DesktopKeyStore: KeyStore + PassphraseGuard {}

impl<S: KeyStore + PassphraseGuard> DesktopKeyStore for S {}

/// A passphrase lock, in place of the device lock: the person types the passphrase at each use of a guarded key.
///
/// # Security
/// Guarded keys are sealed under a key derived from the passphrase (Argon2id, RFC 9106), so even the open key store
/// can't use them without the passphrase. Removing the passphrase lock destroys the guarded keys.
pub trait PassphraseGuard: Send + Sync {
    /// Returns whether a passphrase lock is set. Needs no passphrase.
    ///
    /// # Errors
    /// Any `PlatformError` of the key store.
    fn has_lock(&self) -> Result<bool, PlatformError>;

    /// Sets the passphrase lock, or changes it. A change needs the right `old` passphrase, and seals every guarded key
    /// again.
    ///
    /// # Errors
    /// `WrongPassphrase` when `old` is missing or wrong, and `Invalidated` when a guarded key is damaged. After these
    /// two errors nothing was changed. Also any other `PlatformError` of the key store.
    fn set_lock(&self, new: &Secret<String>, old: Option<&Secret<String>>) -> Result<(), PlatformError>;

    /// Removes the passphrase lock and destroys every guarded key. Succeeds when no lock is set.
    ///
    /// # Errors
    /// `WrongPassphrase`, after which nothing was changed. Also any other `PlatformError` of the key store.
    fn remove_lock(&self, passphrase: &Secret<String>) -> Result<(), PlatformError>;

    /// Makes a guarded P-256 key and returns its public point (65 bytes, uncompressed). An existing key under `alias`
    /// is kept.
    ///
    /// # Errors
    /// `WrongPassphrase`; `Unusable` when no passphrase lock is set.
    fn make_guarded(&self, alias: String, passphrase: &Secret<String>) -> Result<Vec<u8>, PlatformError>;

    /// Signs with a guarded key (ECDSA P-256, SHA-256) and returns the signature in ASN.1 DER.
    ///
    /// # Errors
    /// `WrongPassphrase`; `Unusable` when no passphrase lock is set; `Gone` when there is no such key; `Invalidated`
    /// when the key is damaged.
    fn sign_guarded(
        &self,
        alias: String,
        message: Vec<u8>,
        passphrase: &Secret<String>,
    ) -> Result<Vec<u8>, PlatformError>;
}
