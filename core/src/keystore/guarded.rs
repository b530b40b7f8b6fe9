//! Keys sealed under a passphrase that is asked for at each use: the desktop's device lock.
//!
//! Pure: takes what is stored and what was typed, and decides. The key stores keep the result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::base::jose::base64url;
use crate::base::secret::{Secret, random};
use crate::keystore::passphrase::{SALT_LEN, key_of};
use crate::keystore::scalar::{fresh_key, point_of, sign_with};
use crate::keystore::sealed::{open, seal};
use crate::values::platform::PlatformError;
use ring::aead::LessSafeKey;

/// Sealed under a new lock, and opened to tell a right passphrase from a wrong one.
const CHECK: &[u8] = b"countersign device lock";

/// The lock and the keys that it guards, as they are stored; nothing in it opens without the passphrase.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Guarded {
    lock: Option<Lock>,
    keys: BTreeMap<String, Key>,
}

#[derive(Serialize, Deserialize)]
struct Lock {
    salt: String,
    check: String,
}

#[derive(Serialize, Deserialize)]
struct Key {
    /// The public point, readable without the passphrase.
    point: String,
    scalar: String,
}

impl Guarded {
    #[cfg(feature = "testing")]
    pub(super) fn aliases(&self) -> impl Iterator<Item = &String> {
        self.keys.keys()
    }

    pub(super) fn has_lock(&self) -> bool {
        self.lock.is_some()
    }

    /// Sets a lock where there is none, or changes it with the old passphrase; the keys are sealed anew, all or none.
    pub(super) fn set_lock(&mut self, new: &Secret<String>, old: Option<&Secret<String>>) -> Result<(), PlatformError> {
        let mut scalars = BTreeMap::new();
        if self.lock.is_some() {
            let before = self.unlock(old.ok_or(PlatformError::WrongPassphrase)?)?;
            for alias in self.keys.keys() {
                scalars.insert(alias.clone(), self.open_key(&before, alias)?);
            }
        }
        let salt: [u8; SALT_LEN] = random()?;
        let key = key_of(new, &salt)?;
        let check = base64url::encode(&seal(&key, CHECK, CHECK)?);
        let mut keys = BTreeMap::new();
        for (alias, scalar) in scalars {
            let sealed = seal_scalar(&key, &alias, &scalar)?;
            keys.insert(alias, sealed);
        }
        *self = Self { lock: Some(Lock { salt: base64url::encode(&salt), check }), keys };
        Ok(())
    }

    /// Removes the lock, and every key with it.
    pub(super) fn remove_lock(&mut self, passphrase: &Secret<String>) -> Result<(), PlatformError> {
        if self.lock.is_some() {
            self.unlock(passphrase)?;
        }
        *self = Self::default();
        Ok(())
    }

    pub(super) fn make(&mut self, alias: &str, passphrase: &Secret<String>) -> Result<Vec<u8>, PlatformError> {
        let lock = self.unlock(passphrase)?;
        if !self.keys.contains_key(alias) {
            let sealed = seal_scalar(&lock, alias, &fresh_key()?)?;
            self.keys.insert(alias.to_owned(), sealed);
        }
        self.public_key(alias)
    }

    pub(super) fn sign(
        &self,
        alias: &str,
        message: &[u8],
        passphrase: &Secret<String>,
    ) -> Result<Vec<u8>, PlatformError> {
        let lock = self.unlock(passphrase)?;
        sign_with(&self.open_key(&lock, alias)?, message)
    }

    pub(super) fn public_key(&self, alias: &str) -> Result<Vec<u8>, PlatformError> {
        let key = self.keys.get(alias).ok_or(PlatformError::Gone)?;
        base64url::decode(&key.point).map_err(|_malformed| PlatformError::Invalidated)
    }

    /// Forgets a key; false when there was none.
    pub(super) fn delete(&mut self, alias: &str) -> bool {
        self.keys.remove(alias).is_some()
    }

    fn unlock(&self, passphrase: &Secret<String>) -> Result<LessSafeKey, PlatformError> {
        let lock = self.lock.as_ref().ok_or(PlatformError::Unusable)?;
        let decode = |text: &str| base64url::decode(text).map_err(|_malformed| PlatformError::Unusable);
        let key = key_of(passphrase, &decode(&lock.salt)?)?;
        open(&key, CHECK, &decode(&lock.check)?).map_err(|_not_opened| PlatformError::WrongPassphrase)?;
        Ok(key)
    }

    fn open_key(&self, lock: &LessSafeKey, alias: &str) -> Result<p256::SecretKey, PlatformError> {
        let key = self.keys.get(alias).ok_or(PlatformError::Gone)?;
        let sealed = base64url::decode(&key.scalar).map_err(|_malformed| PlatformError::Invalidated)?;
        let scalar = open(lock, alias.as_bytes(), &sealed).map_err(|_not_opened| PlatformError::Invalidated)?;
        p256::SecretKey::from_slice(&scalar).map_err(|_range| PlatformError::Invalidated)
    }
}

/// Bound to its alias, so that no key answers for another.
fn seal_scalar(lock: &LessSafeKey, alias: &str, key: &p256::SecretKey) -> Result<Key, PlatformError> {
    let scalar = Zeroizing::new(key.to_bytes());
    let sealed = seal(lock, alias.as_bytes(), scalar.as_slice())?;
    Ok(Key { point: base64url::encode(&point_of(key)), scalar: base64url::encode(&sealed) })
}
