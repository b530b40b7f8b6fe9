//! The desktop platform's key store: Secret Service, Keychain or Credential Manager.
//!
//! The login session unlocks this store, so the app needs no passphrase to open it. Sign-in keys are still guarded by
//! the passphrase lock, because none of these stores verifies the person at each use.

use std::sync::{Mutex, PoisonError};

use keyring::v1::{Entry, Error as KeyringError};
use ring::aead::LessSafeKey;
use zeroize::Zeroizing;

use crate::base::secret::{Secret, random};
use crate::keystore::desktop::PassphraseGuard;
use crate::keystore::guarded::Guarded;
use crate::keystore::scalar::{fresh_key, point_of, sign_with};
use crate::keystore::sealed::{aead_key, open, seal};
use crate::values::platform::{KeyGuard, KeyStore, PlatformError};

const SERVICE: &str = "Countersign";
const WRAPPING: &str = "wrapping";
const GUARDED: &str = "guarded";
/// An entry that is written, read and deleted to check that the store works.
const PROBE: &str = "probe";
const KEY_LEN: usize = 32;
const WRAP_LABEL: &[u8] = b"countersign wrapped bytes";

/// P-256 keys in the desktop platform's key store, one entry for each key.
///
/// # Security
/// Every program in the person's session can read these entries. The platform protects the entries only from other
/// users, and from anyone who has only the disk. Using a guarded key also needs the passphrase.
pub struct PlatformKeyStore {
    /// The prefix of the names of this key store's entries. Several authenticators, each with its own prefix, can share
    /// the platform's store.
    name: String,
    /// Lets only one thread of this process make changes at a time. All guarded keys are in one entry, so a change
    /// reads and writes all of them.
    changing: Mutex<()>,
}

impl PlatformKeyStore {
    /// Checks that the platform's store works, and opens the entries with the prefix `name`.
    ///
    /// # Errors
    /// `Locked` when the platform's store is locked and can't ask for its password. `Transient` when the store does not
    /// respond. `Unusable` when there is no store, or when the store does not return the value that was written.
    pub fn open(name: &str) -> Result<Self, PlatformError> {
        let store = Self { name: name.to_owned(), changing: Mutex::new(()) };
        let probe = store.entry(PROBE)?;
        probe.set_secret(PROBE.as_bytes()).map_err(platform_error)?;
        let read = probe.get_secret().map_err(platform_error)?;
        probe.delete_credential().map_err(platform_error)?;
        if read == PROBE.as_bytes() { Ok(store) } else { Err(PlatformError::Unusable) }
    }

    fn entry(&self, alias: &str) -> Result<Entry, PlatformError> {
        Entry::new(SERVICE, &format!("{}/{alias}", self.name)).map_err(platform_error)
    }

    fn read(&self, alias: &str) -> Result<Zeroizing<Vec<u8>>, PlatformError> {
        self.entry(alias)?.get_secret().map(Zeroizing::new).map_err(platform_error)
    }

    fn private_key(&self, alias: &str) -> Result<p256::SecretKey, PlatformError> {
        // If the entry exists but is not a key, it was overwritten: the key can never sign again.
        p256::SecretKey::from_slice(&self.read(alias)?).map_err(|_not_ours| PlatformError::Invalidated)
    }

    fn wrapping_key(&self) -> Result<LessSafeKey, PlatformError> {
        aead_key(&self.read(WRAPPING)?)
    }

    /// Returns the wrapping key; makes the key at the first call.
    ///
    /// Only `wrap` calls this. If `unwrap` made a key when none is found, everything that was wrapped with the old key
    /// would be lost permanently.
    fn wrapping_key_made(&self) -> Result<LessSafeKey, PlatformError> {
        // A panic leaves every entry complete, because each entry is written in one call.
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.wrapping_key() {
            Err(PlatformError::Gone) => {
                let key: [u8; KEY_LEN] = random()?;
                let key = Zeroizing::new(key);
                self.entry(WRAPPING)?.set_secret(key.as_slice()).map_err(platform_error)?;
                aead_key(key.as_slice())
            }
            there => there,
        }
    }

    fn guarded(&self) -> Result<Guarded, PlatformError> {
        match self.read(GUARDED) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_not_ours| PlatformError::Invalidated),
            Err(PlatformError::Gone) => Ok(Guarded::default()),
            Err(error) => Err(error),
        }
    }

    fn change_guarded<T>(
        &self,
        work: impl FnOnce(&mut Guarded) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        // A panic leaves every entry complete, because each entry is written in one call.
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut guarded = self.guarded()?;
        let value = work(&mut guarded)?;
        let bytes = Zeroizing::new(serde_json::to_vec(&guarded).map_err(|_never| PlatformError::Unusable)?);
        self.entry(GUARDED)?.set_secret(&bytes).map_err(platform_error)?;
        Ok(value)
    }
}

/// Maps an error of the keyring library. A locked store gives `Locked` and not `Gone`, so the core does not abandon its
/// keys.
fn platform_error(error: KeyringError) -> PlatformError {
    match error {
        KeyringError::NoEntry => PlatformError::Gone,
        KeyringError::NoStorageAccess(_) => PlatformError::Locked,
        KeyringError::PlatformFailure(_) => PlatformError::Transient,
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) | KeyringError::Ambiguous(_) => {
            PlatformError::Invalidated
        }
        // There is no store, it does not support the operation, or the library has a new kind of error.
        _ => PlatformError::Unusable,
    }
}

impl KeyStore for PlatformKeyStore {
    fn make(&self, alias: String, guard: KeyGuard) -> Result<Vec<u8>, PlatformError> {
        match guard {
            KeyGuard::AfterFirstUnlock => {}
            KeyGuard::BiometricCurrentSet | KeyGuard::BiometricOrCredential => return Err(PlatformError::Unusable),
        }
        // If two calls run in parallel, the second call finds the key that the first call made. A panic leaves every
        // entry complete, because each entry is written in one call.
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.private_key(&alias) {
            Ok(key) => Ok(point_of(&key)),
            Err(PlatformError::Gone) => {
                let key = fresh_key()?;
                let scalar = Zeroizing::new(key.to_bytes());
                self.entry(&alias)?.set_secret(scalar.as_slice()).map_err(platform_error)?;
                Ok(point_of(&key))
            }
            Err(error) => Err(error),
        }
    }

    fn public_key(&self, alias: String) -> Result<Vec<u8>, PlatformError> {
        match self.private_key(&alias) {
            Ok(key) => Ok(point_of(&key)),
            Err(PlatformError::Gone) => self.guarded()?.public_key(&alias),
            Err(error) => Err(error),
        }
    }

    fn sign(&self, alias: String, message: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        match self.private_key(&alias) {
            Ok(key) => sign_with(&key, &message),
            // A guarded key needs the passphrase, so this method must not use it.
            Err(PlatformError::Gone) if self.guarded()?.public_key(&alias).is_ok() => Err(PlatformError::Unusable),
            Err(error) => Err(error),
        }
    }

    fn delete(&self, alias: String) -> Result<(), PlatformError> {
        match self.entry(&alias)?.delete_credential() {
            Ok(()) | Err(KeyringError::NoEntry) => {}
            Err(error) => return Err(platform_error(error)),
        }
        if self.guarded()?.public_key(&alias).is_ok() {
            self.change_guarded(|guarded| Ok(guarded.delete(&alias)))?;
        }
        Ok(())
    }

    fn wrap(&self, plain: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        seal(&self.wrapping_key_made()?, WRAP_LABEL, &Zeroizing::new(plain))
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        let plain = open(&self.wrapping_key()?, WRAP_LABEL, &wrapped).map_err(|_other_key| PlatformError::Gone)?;
        Ok(plain.to_vec())
    }
}

impl PassphraseGuard for PlatformKeyStore {
    fn has_lock(&self) -> Result<bool, PlatformError> {
        Ok(self.guarded()?.has_lock())
    }

    fn set_lock(&self, new: &Secret<String>, old: Option<&Secret<String>>) -> Result<(), PlatformError> {
        self.change_guarded(|guarded| guarded.set_lock(new, old))
    }

    fn remove_lock(&self, passphrase: &Secret<String>) -> Result<(), PlatformError> {
        self.change_guarded(|guarded| guarded.remove_lock(passphrase))
    }

    fn make_guarded(&self, alias: String, passphrase: &Secret<String>) -> Result<Vec<u8>, PlatformError> {
        self.change_guarded(|guarded| guarded.make(&alias, passphrase))
    }

    fn sign_guarded(
        &self,
        alias: String,
        message: Vec<u8>,
        passphrase: &Secret<String>,
    ) -> Result<Vec<u8>, PlatformError> {
        self.guarded()?.sign(&alias, &message, passphrase)
    }
}
