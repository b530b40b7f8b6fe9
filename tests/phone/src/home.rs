//! The private folder of this phone: where it is, and the small files in it that are not the core's.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use countersign::{Error, KeyStore, PlatformError, Secret};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::PhoneError;

const FOLDER: &str = "countersign-phone";
const KEYS: &str = "keys";
const KEY_PLACE: &str = "key-store";
/// Made and removed at each start, to know that the folder takes files.
const PROBE: &str = "probe";
const RELAY: &str = "relay";
const RELAY_SECRET: &str = "relay-secret";
const SECRET_LEN: usize = 32;

/// The private folder.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// Where the folder is when nobody says: the XDG base directory specification's data folder.
    pub(crate) fn default_path() -> Result<PathBuf, PhoneError> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        absolute("XDG_DATA_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local").join("share")))
            .map(|data| data.join(FOLDER))
            .ok_or(PhoneError::NoHome)
    }

    /// Makes the folder, for its owner only, unless it is there.
    pub(crate) fn open(path: &Path) -> Result<Self, PhoneError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|_denied| PhoneError::Home)?;
        // Said here: a key store that can't write has no better words than "the platform can't do this".
        let probe = path.join(PROBE);
        std::fs::write(&probe, []).and_then(|()| std::fs::remove_file(probe)).map_err(|_read_only| PhoneError::Home)?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The sealed file, where the keys are kept in one.
    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join(KEYS)
    }

    /// Where the keys are; `None` before they were ever opened.
    pub(crate) fn key_place(&self) -> Result<Option<String>, PhoneError> {
        Self::key_place_in(&self.0)
    }

    /// As `key_place`, of the folder at `path`, which need not be there.
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

    /// The relay to use: the one named now, which is remembered, or the remembered one.
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

    /// The secret that this phone's messages at the relay are fetched with; a fresh one the first time, and when the
    /// key store certainly can't open the old one.
    ///
    /// On disk it is wrapped by the key store, so that a copied folder fetches nothing without the passphrase.
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
        // EXPOSE: moved into an array of the length that the relay expects.
        let array = bytes.expose().as_slice().try_into().map_err(|_length| Error::Platform(PlatformError::Unusable))?;
        Ok(RelaySecret { secret: Secret::new(array), fresh: None })
    }

    /// Writes a secret that is fresh; true when it was.
    pub(crate) fn keep(&self, secret: &RelaySecret) -> Result<bool, PhoneError> {
        match &secret.fresh {
            Some(wrapped) => self.write(RELAY_SECRET, wrapped).map(|()| true),
            None => Ok(false),
        }
    }

    /// Writes a new file and puts it in its place, so that a cut leaves the old one whole.
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

/// What a phone fetches its messages at the relay with.
pub(crate) struct RelaySecret {
    pub(crate) secret: Secret<[u8; SECRET_LEN]>,
    /// Wrapped by the key store, while it is not on disk.
    fresh: Option<Vec<u8>>,
}

impl RelaySecret {
    fn make(keys: &dyn KeyStore) -> Result<Self, PhoneError> {
        let mut bytes = [0; SECRET_LEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| Error::Platform(PlatformError::Transient))?;
        let secret = Secret::new(bytes);
        // EXPOSE: the key store encrypts it.
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
    fn the_relay_is_remembered_until_another_is_named() {
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
    fn the_relay_secret_is_made_once_and_never_stored_in_the_clear() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let keys = keys(&home);
        let first = kept(&home, &keys);
        let again = home.relay_secret(&keys).unwrap();
        assert_eq!(first.secret.expose(), again.secret.expose());
        assert!(!home.keep(&again).unwrap(), "it is on disk");
        let stored = std::fs::read(folder.path().join(RELAY_SECRET)).unwrap();
        assert!(!stored.windows(SECRET_LEN).any(|window| window == first.secret.expose()));
    }

    #[test]
    fn a_relay_secret_that_can_not_be_opened_stays_until_another_is_kept() {
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
    fn the_folder_and_its_files_are_their_owners_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("phone")).unwrap();
        kept(&home, &keys(&home));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(home.path()), 0o700);
        assert_eq!(mode(&home.path().join(RELAY_SECRET)), 0o600);
    }
}
