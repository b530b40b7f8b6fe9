//! Where this phone's keys are kept: chosen once by the person, never changed by us.

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

/// Where a phone's keys are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyPlace {
    /// The desktop's own key store, opened by logging in
    Keyring,
    /// A file in this phone's folder, sealed under a passphrase
    SealedFile,
}

/// What opens the keys.
#[derive(Clone)]
pub enum Keys {
    /// The session's own key store.
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

/// Where the keys of the phone in `home` are; `None` when it was never opened.
pub(crate) fn remembered(home: &Path) -> Result<Option<KeyPlace>, PhoneError> {
    match Home::key_place_in(home)?.as_deref() {
        None => Ok(None),
        Some(SEALED_FILE) => Ok(Some(KeyPlace::SealedFile)),
        Some(text) if text.starts_with(KEYRING) => Ok(Some(KeyPlace::Keyring)),
        // Not a word of ours: a guess would make new keys beside the old.
        Some(_) => Err(PhoneError::Home),
    }
}

/// Where the keys are or will be: what was chosen once holds, and another choice is refused.
pub(crate) fn choose(home: &Path, named: Option<KeyPlace>) -> Result<KeyPlace, PhoneError> {
    match (remembered(home)?, named) {
        (Some(chosen), Some(named)) if chosen != named => Err(PhoneError::KeysElsewhere),
        (Some(chosen), _) => Ok(chosen),
        (None, named) => Ok(named.unwrap_or(KeyPlace::Keyring)),
    }
}

/// Opens the keys, and remembers where they are once that has worked.
pub(crate) async fn open(home: &Home, keys: Keys) -> Result<Arc<dyn DesktopKeyStore>, PhoneError> {
    let place = choose(home.path(), Some(keys.place()))?;
    let first_start = home.key_place()?.is_none();
    let name = match (home.key_place()?, place) {
        (Some(name), _) => name,
        (None, KeyPlace::SealedFile) => SEALED_FILE.to_owned(),
        (None, KeyPlace::Keyring) => format!("{KEYRING} {}", fresh_name()?),
    };
    let (path, entries) = (home.keys(), name.clone());
    // Argon2id takes about a second, and a keyring may ask the person; neither must stop the caller's thread.
    let opening = tokio::task::spawn_blocking(move || -> Result<Arc<dyn DesktopKeyStore>, PlatformError> {
        Ok(match keys {
            Keys::Keyring => Arc::new(PlatformKeyStore::open(&entries)?),
            Keys::SealedFile(passphrase) => Arc::new(SealedFileKeyStore::open(&path, &passphrase)?),
        })
    });
    let store = match opening.await.map_err(|_stopped| Error::Closed)? {
        Ok(store) => store,
        // A locked one is there; whoever unlocks it goes on. The sealed file is offered, never taken instead.
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

/// Tells this phone's entries in the keyring from another's.
fn fresh_name() -> Result<String, PhoneError> {
    let mut bytes = [0; NAME_LEN];
    SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| Error::Platform(PlatformError::Transient))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
