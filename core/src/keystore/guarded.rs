//! Keys sealed under a passphrase that the person types at each use. On desktops the passphrase takes the place of the
//! device lock.
//!
//! This module reads and writes no files: the key stores load and store the type `Guarded`.

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

/// The check value. It is sealed when a lock is set, and opened to verify a passphrase.
const CHECK: &[u8] = b"countersign device lock";

/// The passphrase lock and the guarded keys, in their stored form. No private key can be opened without the passphrase.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Guarded {
    lock: Option<Lock>,
    keys: BTreeMap<String, Key>,
}

/// Salt and sealed check value of the lock, in base64url.
#[derive(Serialize, Deserialize)]
struct Lock {
    salt: String,
    check: String,
}

/// A guarded key, in base64url.
#[derive(Serialize, Deserialize)]
struct Key {
    /// The public point, readable without the passphrase.
    point: String,
    /// The private scalar, sealed under the lock and bound to the alias.
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

    /// Sets a lock, or changes it with the old passphrase. Changing seals all keys again, or fails and changes nothing.
    ///
    /// # Errors
    /// `WrongPassphrase`; `Invalidated` when a stored key is damaged.
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

    /// Removes the lock and all guarded keys. Succeeds when no lock is set.
    ///
    /// # Errors
    /// `WrongPassphrase`: nothing is changed.
    pub(super) fn remove_lock(&mut self, passphrase: &Secret<String>) -> Result<(), PlatformError> {
        if self.lock.is_some() {
            self.unlock(passphrase)?;
        }
        *self = Self::default();
        Ok(())
    }

    /// Makes a key unless it exists, and returns its public point (65 bytes).
    ///
    /// # Errors
    /// `WrongPassphrase`; `Unusable` when no lock is set.
    pub(super) fn make(&mut self, alias: &str, passphrase: &Secret<String>) -> Result<Vec<u8>, PlatformError> {
        let lock = self.unlock(passphrase)?;
        if !self.keys.contains_key(alias) {
            let sealed = seal_scalar(&lock, alias, &fresh_key()?)?;
            self.keys.insert(alias.to_owned(), sealed);
        }
        self.public_key(alias)
    }

    /// Signs with a key, and returns the signature in ASN.1 DER.
    ///
    /// # Errors
    /// `WrongPassphrase`; `Unusable` when no lock is set; `Gone` when there is no such key; `Invalidated` when the key
    /// is damaged.
    pub(super) fn sign(
        &self,
        alias: &str,
        message: &[u8],
        passphrase: &Secret<String>,
    ) -> Result<Vec<u8>, PlatformError> {
        let lock = self.unlock(passphrase)?;
        sign_with(&self.open_key(&lock, alias)?, message)
    }

    /// Returns a key's public point (65 bytes). Needs no passphrase.
    ///
    /// # Errors
    /// `Gone` when there is no such key; `Invalidated` when its stored point is malformed.
    pub(super) fn public_key(&self, alias: &str) -> Result<Vec<u8>, PlatformError> {
        let key = self.keys.get(alias).ok_or(PlatformError::Gone)?;
        base64url::decode(&key.point).map_err(|_malformed| PlatformError::Invalidated)
    }

    /// Deletes a key, and returns whether there was one. Needs no passphrase, so that an account can always be removed.
    pub(super) fn delete(&mut self, alias: &str) -> bool {
        self.keys.remove(alias).is_some()
    }

    /// Derives the lock's key from a passphrase and verifies it with the check value.
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

/// Seals a private scalar, bound to its alias: an attacker who swaps two stored keys makes both unreadable.
fn seal_scalar(lock: &LessSafeKey, alias: &str, key: &p256::SecretKey) -> Result<Key, PlatformError> {
    let scalar = Zeroizing::new(key.to_bytes());
    let sealed = seal(lock, alias.as_bytes(), scalar.as_slice())?;
    Ok(Key { point: base64url::encode(&point_of(key)), scalar: base64url::encode(&sealed) })
}
