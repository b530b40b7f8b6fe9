//! The desktop's own key store: Secret Service, Keychain or Credential Manager.
//!
//! Opened by the person's session, without a passphrase of ours; the keys that must ask the person are sealed
//! under the lock's passphrase all the same, since none of these stores asks at each use.

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
/// Only to see whether the store works at all.
const PROBE: &str = "probe";
const KEY_LEN: usize = 32;
const WRAP_LABEL: &[u8] = b"countersign wrapped bytes";

/// P-256 keys as entries of the desktop's own key store, one for each key.
///
/// # Security
/// Whatever runs in the person's session can read these entries: the platform protects them from other people and
/// from whoever has the disk, not from the person's own programs.
pub struct PlatformKeyStore {
    /// Tells one phone's entries from another's.
    name: String,
    /// One change at a time: the guarded keys stand in one entry, which is read, changed and written whole.
    changing: Mutex<()>,
}

impl PlatformKeyStore {
    /// Opens the entries that belong to `name`, after a look at whether the store works.
    ///
    /// # Errors
    /// `Locked` when the session's store is locked and nobody can be asked; `Transient` when it does not answer;
    /// `Unusable` when there is none.
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
        // There, but not what was put there: it will never sign again.
        p256::SecretKey::from_slice(&self.read(alias)?).map_err(|_not_ours| PlatformError::Invalidated)
    }

    fn wrapping_key(&self) -> Result<LessSafeKey, PlatformError> {
        aead_key(&self.read(WRAPPING)?)
    }

    /// Made the first time; reading never makes one, or what was wrapped before would be lost for good.
    fn wrapping_key_made(&self) -> Result<LessSafeKey, PlatformError> {
        // A thread that panicked wrote nothing.
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
        // A thread that panicked wrote nothing.
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut guarded = self.guarded()?;
        let value = work(&mut guarded)?;
        let bytes = Zeroizing::new(serde_json::to_vec(&guarded).map_err(|_never| PlatformError::Unusable)?);
        self.entry(GUARDED)?.set_secret(&bytes).map_err(platform_error)?;
        Ok(value)
    }
}

/// What a platform's fault means. A locked store is never taken for an empty one: it says so itself.
fn platform_error(error: KeyringError) -> PlatformError {
    match error {
        KeyringError::NoEntry => PlatformError::Gone,
        KeyringError::NoStorageAccess(_) => PlatformError::Locked,
        KeyringError::PlatformFailure(_) => PlatformError::Transient,
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) | KeyringError::Ambiguous(_) => {
            PlatformError::Invalidated
        }
        // No store at all, one that can't do this, or a version of the library that says something new.
        _ => PlatformError::Unusable,
    }
}

impl KeyStore for PlatformKeyStore {
    fn make(&self, alias: String, guard: KeyGuard) -> Result<Vec<u8>, PlatformError> {
        match guard {
            KeyGuard::AfterFirstUnlock => {}
            KeyGuard::BiometricCurrentSet | KeyGuard::BiometricOrCredential => return Err(PlatformError::Unusable),
        }
        // Twice at once makes one key; a thread that panicked wrote nothing.
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
            // A guarded key asks the person; nothing signs with it behind their back.
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
