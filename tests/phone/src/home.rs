//! Manages the private folder of this phone: its path, and the small files in it that the core does not own.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use countersign::{Error, KeyStore, PlatformError, Secret};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::PhoneError;

const FOLDER: &str = "countersign-phone";
const KEYS: &str = "keys";
const KEY_PLACE: &str = "key-store";
/// Created and removed at each start, to check that the folder is writable.
const PROBE: &str = "probe";
const RELAY: &str = "relay";
const RELAY_SECRET: &str = "relay-secret";
const SECRET_LEN: usize = 32;

/// The private folder.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// Returns the default path, which is in the data folder of the XDG base directory specification.
    pub(crate) fn default_path() -> Result<PathBuf, PhoneError> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        absolute("XDG_DATA_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local").join("share")))
            .map(|data| data.join(FOLDER))
            .ok_or(PhoneError::NoHome)
    }

    /// Creates the folder if it is missing, readable by its owner only.
    pub(crate) fn open(path: &Path) -> Result<Self, PhoneError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|_denied| PhoneError::Home)?;
        // This is checked here, because a key store that can't write its file only reports the general `Unusable`.
        let probe = path.join(PROBE);
        std::fs::write(&probe, []).and_then(|()| std::fs::remove_file(probe)).map_err(|_read_only| PhoneError::Home)?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of the sealed file.
    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join(KEYS)
    }

    /// The stored name of the key store; `None` before the key store was opened for the first time.
    pub(crate) fn key_place(&self) -> Result<Option<String>, PhoneError> {
        Self::key_place_in(&self.0)
    }

    /// Does the same as `key_place`, for the folder at this path. Returns `None` when the folder does not exist.
    pub(crate) fn key_place_in(path: &Path) -> Result<Option<String>, PhoneError> {
        match std::fs::read_to_string(path.join(KEY_PLACE)) {
            Ok(place) => Ok(Some(place.trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(_denied) => Err(PhoneError::Home),
        }
    }

    pub(crate) fn remember_key_place(&self, place: &str) -> Result<(), PhoneError> {
        self.write(KEY_PLACE, place.as_bytes())
    }

    /// Returns the address of the relay. A given address is checked and stored; without a given address, the stored
    /// address is returned.
    pub(crate) fn relay(&self, named: Option<&str>) -> Result<String, PhoneError> {
        let remembered = std::fs::read_to_string(self.0.join(RELAY)).ok();
        let Some(named) = named else {
            return remembered.map(|relay| relay.trim().to_owned()).ok_or(PhoneError::NoRelay);
        };
        if !named.starts_with("https://") {
            return Err(PhoneError::RelayAddress);
        }
        let named = named.trim_end_matches('/');
        if remembered.as_deref().map(str::trim) != Some(named) {
            self.write(RELAY, named.as_bytes())?;
        }
        Ok(named.to_owned())
    }

    /// Returns the secret that authorizes this phone to fetch its messages at the relay. A fresh secret is made the
    /// first time, and when the key store reports that it can't decrypt the stored secret (`Gone`, `Invalidated`).
    ///
    /// # Security
    /// The key store encrypts the secret before it is stored. Someone who copies the folder, but not the key store,
    /// can't fetch messages.
    pub(crate) fn relay_secret(&self, keys: &dyn KeyStore) -> Result<RelaySecret, PhoneError> {
        let bytes = match std::fs::read(self.0.join(RELAY_SECRET)) {
            Ok(wrapped) => match keys.unwrap(wrapped) {
                Ok(bytes) => Secret::new(bytes),
                Err(PlatformError::Gone | PlatformError::Invalidated) => return RelaySecret::make(keys),
                Err(error) => return Err(Error::Platform(error).into()),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return RelaySecret::make(keys),
            Err(_denied) => return Err(PhoneError::Home),
        };
        // EXPOSE: copied into an array of the length that the relay expects.
        let array = bytes.expose().as_slice().try_into().map_err(|_length| Error::Platform(PlatformError::Unusable))?;
        Ok(RelaySecret { secret: Secret::new(array), fresh: None })
    }

    /// Writes a fresh secret to disk; returns false when the secret is on disk already.
    pub(crate) fn keep(&self, secret: &RelaySecret) -> Result<bool, PhoneError> {
        match &secret.fresh {
            Some(wrapped) => self.write(RELAY_SECRET, wrapped).map(|()| true),
            None => Ok(false),
        }
    }

    /// Writes a new file and renames it, so that an interruption leaves the old file complete.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), PhoneError> {
        let fresh = self.0.join(format!("{name}.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&fresh)
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&fresh, self.0.join(name)))
            .map_err(|_io| PhoneError::Home)
    }
}

/// The secret that authorizes a phone to fetch its messages at the relay.
pub(crate) struct RelaySecret {
    pub(crate) secret: Secret<[u8; SECRET_LEN]>,
    /// The secret as the key store has encrypted it; `None` when it is on disk already.
    fresh: Option<Vec<u8>>,
}

impl RelaySecret {
    fn make(keys: &dyn KeyStore) -> Result<Self, PhoneError> {
        let mut bytes = [0; SECRET_LEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| Error::Platform(PlatformError::Transient))?;
        let secret = Secret::new(bytes);
        // EXPOSE: the key store encrypts the secret.
        let wrapped = keys.wrap(secret.expose().to_vec()).map_err(Error::Platform)?;
        Ok(Self { secret, fresh: Some(wrapped) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use countersign::SealedFileKeyStore;

    use super::*;

    fn keys(home: &Home) -> SealedFileKeyStore {
        SealedFileKeyStore::open(&home.keys(), &Secret::new("open sesame".to_owned())).unwrap()
    }

    #[test]
    fn stored_relay_is_used_until_another_relay_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        assert_eq!(home.relay(None), Err(PhoneError::NoRelay));
        assert_eq!(home.relay(Some("https://relay.example/")).unwrap(), "https://relay.example");
        assert_eq!(home.relay(None).unwrap(), "https://relay.example");
        assert_eq!(home.relay(Some("https://other.example")).unwrap(), "https://other.example");
        assert_eq!(home.relay(None).unwrap(), "https://other.example");
    }

    #[test]
    fn a_relay_without_tls_is_refused_and_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        assert_eq!(home.relay(Some("http://relay.example")), Err(PhoneError::RelayAddress));
        assert_eq!(home.relay(None), Err(PhoneError::NoRelay));
    }

    fn kept(home: &Home, keys: &SealedFileKeyStore) -> RelaySecret {
        let secret = home.relay_secret(keys).unwrap();
        home.keep(&secret).unwrap();
        secret
    }

    #[test]
    fn relay_secret_is_made_once_and_stored_encrypted() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let keys = keys(&home);
        let first = kept(&home, &keys);
        let again = home.relay_secret(&keys).unwrap();
        assert_eq!(first.secret.expose(), again.secret.expose());
        assert!(!home.keep(&again).unwrap(), "a secret that is on disk was written again");
        let stored = std::fs::read(folder.path().join(RELAY_SECRET)).unwrap();
        assert!(!stored.windows(SECRET_LEN).any(|window| window == first.secret.expose()));
    }

    #[test]
    fn unusable_relay_secret_is_kept_until_a_new_one_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let keys = keys(&home);
        let first = kept(&home, &keys);
        let path = folder.path().join(RELAY_SECRET);
        let mut altered = std::fs::read(&path).unwrap();
        *altered.last_mut().unwrap() ^= 1;
        std::fs::write(&path, &altered).unwrap();
        let fresh = home.relay_secret(&keys).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), altered);
        assert!(home.keep(&fresh).unwrap());
        assert_ne!(first.secret.expose(), fresh.secret.expose());
        assert_eq!(home.relay_secret(&keys).unwrap().secret.expose(), fresh.secret.expose());
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_files_are_readable_by_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("phone")).unwrap();
        kept(&home, &keys(&home));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(home.path()), 0o700);
        assert_eq!(mode(&home.path().join(RELAY_SECRET)), 0o600);
    }
}
