//! Implements a desktop key store in one file, sealed under a passphrase.
//!
//! This key store is for people without a platform key store. It is used only when they choose it, and is never an
//! automatic fallback. An attacker who has the file must still guess the passphrase, which Argon2id (RFC 9106) makes
//! slow.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ring::aead::LessSafeKey;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::base::jose::base64url;
use crate::base::points;
use crate::base::points::{Point, Side};
use crate::base::secret::{Secret, random};
use crate::keystore::desktop::PassphraseGuard;
use crate::keystore::guarded::Guarded;
use crate::keystore::passphrase::{KEY_LEN, SALT_LEN, key_of};
use crate::keystore::scalar::{fresh_key, point_of, sign_with};
use crate::keystore::sealed::{aead_key, open, seal};
use crate::values::platform::{KeyGuard, KeyStore, PlatformError};

const MAGIC: &[u8; 8] = b"CSKEYS1\n";
/// Largest file that is read, in bytes. A file with a thousand keys is smaller.
const MAX_FILE: u64 = 1024 * 1024;

/// P-256 keys and the wrapping key in one file: `CSKEYS1\n`, salt (16 bytes), nonce, ciphertext, tag (AES-256-GCM).
///
/// Each change writes a new file that replaces the old one, under a file lock: several processes can use one file.
///
/// # Security
/// The key that opens the file stays in memory while the store is open. Each call decrypts all keys that are not
/// guarded, and zeroizes them when it ends.
pub struct SealedFileKeyStore {
    path: PathBuf,
    salt: [u8; SALT_LEN],
    key: LessSafeKey,
    /// Lets only one thread of this process change the file at a time. The file lock does the same for processes.
    writing: Mutex<()>,
}

/// The sealed content, JSON. Wrapping key and private scalars are zeroized when dropped.
#[derive(Serialize, Deserialize)]
struct Content {
    /// base64url of the wrapping key (32 bytes).
    wrapping: String,
    /// base64url of the private scalars by alias.
    keys: BTreeMap<String, String>,
    /// The passphrase lock and the guarded keys.
    #[serde(default)]
    guarded: Guarded,
}

impl Drop for Content {
    fn drop(&mut self) {
        self.wrapping.zeroize();
        self.keys.values_mut().for_each(Zeroize::zeroize);
    }
}

impl SealedFileKeyStore {
    /// Opens the file at `path`, and creates it the first time. Blocks: Argon2id takes about a tenth of a second.
    ///
    /// # Errors
    /// `WrongPassphrase` when the passphrase is wrong or the file was altered. `Unusable` when the file is malformed,
    /// or when the file or its lock file can't be opened or written. `Transient` when reading or locking fails, or when
    /// the memory for Argon2id is not available. After each of these errors, an existing file is unchanged.
    pub fn open(path: &Path, passphrase: &Secret<String>) -> Result<Self, PlatformError> {
        let _lock = lock(path)?;
        match read_file(path)? {
            Some(file) => {
                let (salt, _sealed) = split(&file)?;
                let store = Self::with(path, salt, passphrase)?;
                store.unseal(&file).map_err(|_not_opened| PlatformError::WrongPassphrase)?;
                Ok(store)
            }
            None => {
                let salt = random()?;
                let store = Self::with(path, salt, passphrase)?;
                let wrapping: [u8; KEY_LEN] = random()?;
                let wrapping = Zeroizing::new(wrapping);
                let content = Content {
                    wrapping: base64url::encode(wrapping.as_slice()),
                    keys: BTreeMap::new(),
                    guarded: Guarded::default(),
                };
                store.write(&content)?;
                Ok(store)
            }
        }
    }

    /// Returns the aliases of all keys, guarded ones included.
    ///
    /// # Errors
    /// `Gone` when the file was deleted or replaced; `Unusable` when it can't be opened or is damaged; `Transient` when
    /// reading fails.
    #[cfg(feature = "testing")]
    pub fn aliases(&self) -> Result<Vec<String>, PlatformError> {
        let content = self.read()?;
        Ok(content.keys.keys().chain(content.guarded.aliases()).cloned().collect())
    }

    fn with(path: &Path, salt: [u8; SALT_LEN], passphrase: &Secret<String>) -> Result<Self, PlatformError> {
        Ok(Self { path: path.to_owned(), salt, key: key_of(passphrase, &salt)?, writing: Mutex::new(()) })
    }

    fn read(&self) -> Result<Content, PlatformError> {
        let file = read_file(&self.path)?.ok_or(PlatformError::Gone)?;
        let (salt, _sealed) = split(&file)?;
        // A different salt means that another store was created at this path. This store's key can't open that store.
        if salt != self.salt {
            return Err(PlatformError::Gone);
        }
        self.unseal(&file)
    }

    fn unseal(&self, file: &[u8]) -> Result<Content, PlatformError> {
        let (salt, sealed) = split(file)?;
        let plain = open(&self.key, &[MAGIC.as_slice(), &salt].concat(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_malformed| PlatformError::Unusable)
    }

    /// Writes a new file and renames it over the old one: after a crash, either the old or the new content is complete.
    fn write(&self, content: &Content) -> Result<(), PlatformError> {
        let plain = Zeroizing::new(serde_json::to_vec(content).map_err(|_never| PlatformError::Unusable)?);
        let head = [MAGIC.as_slice(), &self.salt].concat();
        let sealed = seal(&self.key, &head, &plain)?;
        let fresh = self.path.with_extension("new");
        let replaced = private_file(&fresh)
            .and_then(|mut file| file.write_all(&[head, sealed].concat()).and_then(|()| file.sync_all()))
            .inspect(|()| points::reached(Point::KeyFile, Side::Before))
            .and_then(|()| std::fs::rename(&fresh, &self.path))
            .inspect(|()| points::reached(Point::KeyFile, Side::After))
            .and_then(|()| sync_folder(&self.path));
        replaced.map_err(|_io| PlatformError::Unusable)
    }

    /// Reads the content, changes it and writes it, while it holds the thread lock and the file lock.
    fn change<T>(&self, work: impl FnOnce(&mut Content) -> Result<T, PlatformError>) -> Result<T, PlatformError> {
        // A panic leaves the file complete, because the file is replaced and never edited.
        let _thread = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _process = lock(&self.path)?;
        let mut content = self.read()?;
        let value = work(&mut content)?;
        self.write(&content)?;
        Ok(value)
    }

    fn wrapping_key(&self) -> Result<LessSafeKey, PlatformError> {
        let content = self.read()?;
        let key = Zeroizing::new(base64url::decode(&content.wrapping).map_err(|_malformed| PlatformError::Unusable)?);
        aead_key(&key)
    }
}

const WRAP_LABEL: &[u8] = b"countersign wrapped bytes";

impl KeyStore for SealedFileKeyStore {
    fn make(&self, alias: String, guard: KeyGuard) -> Result<Vec<u8>, PlatformError> {
        match guard {
            KeyGuard::AfterFirstUnlock => {}
            // GUARD(key-guard-kept): sealed_file_needs_the_passphrase_for_guarded_keys
            // INSTEAD: KeyGuard::BiometricCurrentSet | KeyGuard::BiometricOrCredential => {}
            KeyGuard::BiometricCurrentSet | KeyGuard::BiometricOrCredential => return Err(PlatformError::Unusable),
        }
        self.change(|content| {
            if let Ok(key) = stored_key(content, &alias) {
                return Ok(point_of(&key));
            }
            let key = fresh_key()?;
            let scalar = Zeroizing::new(key.to_bytes());
            content.keys.insert(alias, base64url::encode(scalar.as_slice()));
            Ok(point_of(&key))
        })
    }

    fn public_key(&self, alias: String) -> Result<Vec<u8>, PlatformError> {
        let content = self.read()?;
        match stored_key(&content, &alias) {
            Err(PlatformError::Gone) => content.guarded.public_key(&alias),
            found => Ok(point_of(&found?)),
        }
    }

    fn sign(&self, alias: String, message: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        let content = self.read()?;
        // A guarded key needs the passphrase, which this method does not get.
        // GUARD(guarded-key-needs-unlock): sealed_file_needs_the_passphrase_for_guarded_keys
        if content.guarded.public_key(&alias).is_ok() {
            return Err(PlatformError::Unusable);
        }
        sign_with(&stored_key(&content, &alias)?, &message)
    }

    fn delete(&self, alias: String) -> Result<(), PlatformError> {
        self.change(|content| {
            if let Some(mut scalar) = content.keys.remove(&alias) {
                scalar.zeroize();
            }
            content.guarded.delete(&alias);
            Ok(())
        })
    }

    fn wrap(&self, plain: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        seal(&self.wrapping_key()?, WRAP_LABEL, &Zeroizing::new(plain))
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        let plain = open(&self.wrapping_key()?, WRAP_LABEL, &wrapped).map_err(|_other_key| PlatformError::Gone)?;
        Ok(plain.to_vec())
    }
}

impl PassphraseGuard for SealedFileKeyStore {
    fn has_lock(&self) -> Result<bool, PlatformError> {
        Ok(self.read()?.guarded.has_lock())
    }

    fn set_lock(&self, new: &Secret<String>, old: Option<&Secret<String>>) -> Result<(), PlatformError> {
        self.change(|content| content.guarded.set_lock(new, old))
    }

    fn remove_lock(&self, passphrase: &Secret<String>) -> Result<(), PlatformError> {
        self.change(|content| content.guarded.remove_lock(passphrase))
    }

    fn make_guarded(&self, alias: String, passphrase: &Secret<String>) -> Result<Vec<u8>, PlatformError> {
        self.change(|content| content.guarded.make(&alias, passphrase))
    }

    fn sign_guarded(
        &self,
        alias: String,
        message: Vec<u8>,
        passphrase: &Secret<String>,
    ) -> Result<Vec<u8>, PlatformError> {
        self.read()?.guarded.sign(&alias, &message, passphrase)
    }
}

fn stored_key(content: &Content, alias: &str) -> Result<p256::SecretKey, PlatformError> {
    let scalar = content.keys.get(alias).ok_or(PlatformError::Gone)?;
    let scalar = Zeroizing::new(base64url::decode(scalar).map_err(|_malformed| PlatformError::Unusable)?);
    p256::SecretKey::from_slice(&scalar).map_err(|_range| PlatformError::Unusable)
}

/// Splits a file into salt and sealed content.
fn split(file: &[u8]) -> Result<([u8; SALT_LEN], &[u8]), PlatformError> {
    let rest = file.strip_prefix(MAGIC).ok_or(PlatformError::Unusable)?;
    let (salt, sealed) = rest.split_first_chunk::<SALT_LEN>().ok_or(PlatformError::Unusable)?;
    Ok((*salt, sealed))
}

/// Reads at most `MAX_FILE` bytes; `None` when there is no file.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, PlatformError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(_denied) => return Err(PlatformError::Unusable),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(|_io| PlatformError::Transient)?;
    Ok(Some(bytes))
}

/// Locks the file with the extension `lock` next to `path` (for `keys.db`: `keys.lock`), since the key file itself is
/// replaced. Dropping the result releases the lock.
fn lock(path: &Path) -> Result<File, PlatformError> {
    let file = private_file(&path.with_extension("lock")).map_err(|_denied| PlatformError::Unusable)?;
    file.lock().map_err(|_unsupported| PlatformError::Transient)?;
    Ok(file)
}

/// Creates or empties a file. On Unix only the owner may read and write a file that this call creates (mode 0600).
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// On Unix, writes the folder to disk, so that the rename survives a power failure.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
