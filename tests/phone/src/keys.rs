//! Chooses and opens the key store of this phone. The person chooses once; the program never changes the choice.

use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;
use countersign::{DesktopKeyStore, Error, PlatformError, PlatformKeyStore, SealedFileKeyStore, Secret};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::PhoneError;
use crate::home::Home;

const SEALED_FILE: &str = "sealed-file";
const KEYRING: &str = "keyring";
const NAME_LEN: usize = 8;

/// The key stores of a desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyPlace {
    /// The desktop's key store, unlocked at login
    Keyring,
    /// A file in this phone's folder, sealed under a passphrase
    SealedFile,
}

/// The chosen key store, with the passphrase if the key store needs one.
#[derive(Clone)]
pub enum Keys {
    /// The key store of the desktop session.
    Keyring,
    /// The sealed file and its passphrase.
    SealedFile(Secret<String>),
}

impl Keys {
    fn place(&self) -> KeyPlace {
        match self {
            Self::Keyring => KeyPlace::Keyring,
            Self::SealedFile(_) => KeyPlace::SealedFile,
        }
    }
}

/// Returns the key store that the phone in this folder uses. Returns `None` when no key store was chosen yet.
pub(crate) fn remembered(home: &Path) -> Result<Option<KeyPlace>, PhoneError> {
    match Home::key_place_in(home)?.as_deref() {
        None => Ok(None),
        Some(SEALED_FILE) => Ok(Some(KeyPlace::SealedFile)),
        Some(text) if text.starts_with(KEYRING) => Ok(Some(KeyPlace::Keyring)),
        // The stored name is unknown. The program does not guess, because a wrong guess could create new keys next to
        // the old ones.
        Some(_) => Err(PhoneError::Home),
    }
}

/// Returns the key store to use: the one chosen at the first start, else the one named on the command line, else the
/// keyring. Refuses to replace the key store chosen at the first start by another one (`KeysElsewhere`).
pub(crate) fn choose(home: &Path, named: Option<KeyPlace>) -> Result<KeyPlace, PhoneError> {
    match (remembered(home)?, named) {
        (Some(chosen), Some(named)) if chosen != named => Err(PhoneError::KeysElsewhere),
        (Some(chosen), _) => Ok(chosen),
        (None, named) => Ok(named.unwrap_or(KeyPlace::Keyring)),
    }
}

/// Opens the key store. After the key store was opened for the first time, stores which one was chosen.
pub(crate) async fn open(home: &Home, keys: Keys) -> Result<Arc<dyn DesktopKeyStore>, PhoneError> {
    let place = choose(home.path(), Some(keys.place()))?;
    let first_start = home.key_place()?.is_none();
    let name = match (home.key_place()?, place) {
        (Some(name), _) => name,
        (None, KeyPlace::SealedFile) => SEALED_FILE.to_owned(),
        (None, KeyPlace::Keyring) => format!("{KEYRING} {}", fresh_name()?),
    };
    let (path, entries) = (home.keys(), name.clone());
    // Argon2id takes about a second, and a keyring can show a dialog. Both would block the caller's thread.
    let opening = tokio::task::spawn_blocking(move || -> Result<Arc<dyn DesktopKeyStore>, PlatformError> {
        Ok(match keys {
            Keys::Keyring => Arc::new(PlatformKeyStore::open(&entries)?),
            Keys::SealedFile(passphrase) => Arc::new(SealedFileKeyStore::open(&path, &passphrase)?),
        })
    });
    let store = match opening.await.map_err(|_stopped| Error::Closed)? {
        Ok(store) => store,
        // This arm does not match `Locked`, because a locked keyring exists and can be unlocked. The text of
        // `NoKeyring` suggests the sealed file; the program never chooses the sealed file by itself.
        Err(PlatformError::Unusable | PlatformError::Transient) if first_start && place == KeyPlace::Keyring => {
            return Err(PhoneError::NoKeyring);
        }
        Err(error) => return Err(Error::Platform(error).into()),
    };
    if first_start {
        home.remember_key_place(&name)?;
    }
    Ok(store)
}

/// Makes a random name that separates this phone's keyring entries from those of another phone.
fn fresh_name() -> Result<String, PhoneError> {
    let mut bytes = [0; NAME_LEN];
    SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| Error::Platform(PlatformError::Transient))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
