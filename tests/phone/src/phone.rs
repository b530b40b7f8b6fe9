//! Opens the authenticator with desktop implementations of the core's ports, and the push channel to the relay.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign::{
    Account, Authenticator, Clock, DeviceDescription, DeviceLock, Folders, LockState, PassphraseGuard, PlatformError,
    Ports, Secret, SystemClock, Timestamp,
};

use crate::direct::DirectChannel;
use crate::error::PhoneError;
use crate::home::Home;
use crate::keys::{self, Keys};
use crate::trust;

const MODEL: &str = "Countersign phone in a terminal";

/// The device lock of this phone: a passphrase. A terminal program can't know whether the computer has a screen lock.
struct PassphraseLock(Arc<dyn PassphraseGuard>);

impl DeviceLock for PassphraseLock {
    fn state(&self) -> Result<LockState, PlatformError> {
        Ok(if self.0.has_lock()? { LockState::Credential } else { LockState::Missing })
    }
}

/// The settings with which a phone is opened.
#[derive(Clone)]
pub struct Settings {
    /// The private folder; created when missing.
    pub home: PathBuf,
    /// The relay's address; `None` means the stored address.
    pub relay: Option<String>,
    /// PEM text of certificate authorities that are trusted in addition to the system's.
    pub ca: Option<Vec<u8>>,
    /// The name of the device, shown at the service.
    pub device_name: String,
    /// The clock: wall time, and time since boot.
    pub clock: Arc<dyn Clock>,
}

impl Settings {
    /// Default settings of a phone in `home`: named after this computer, with the system's clock.
    #[must_use]
    pub fn new(home: PathBuf) -> Self {
        Self { home, relay: None, ca: None, device_name: default_name(), clock: Arc::new(SystemClock) }
    }
}

/// An opened phone.
#[derive(Clone)]
pub struct Phone {
    authenticator: Authenticator,
    channel: Arc<DirectChannel>,
    guard: Arc<dyn PassphraseGuard>,
    clock: Arc<dyn Clock>,
}

impl Phone {
    /// Opens the phone in `home`. Its keys are in the sealed file; its clock and its name are those of this computer.
    ///
    /// # Errors
    /// The same errors as `open_with`.
    pub async fn open(
        home: &Path,
        passphrase: &Secret<String>,
        relay: &str,
        ca: Option<&[u8]>,
    ) -> Result<Self, PhoneError> {
        let mut settings = Settings::new(home.to_owned());
        settings.relay = Some(relay.to_owned());
        settings.ca = ca.map(<[u8]>::to_vec);
        Self::open_with(settings, Keys::SealedFile(passphrase.clone())).await
    }

    /// Opens the phone.
    ///
    /// # Errors
    /// `Home` when the folder can't be used. `NoRelay` or `RelayAddress` when no valid address of a relay is known.
    /// `Certificates` when the trusted certificates can't be used. `NoKeyring` or `KeysElsewhere` when the key store
    /// can't be used. All other errors are errors of the core, for example `Core(Platform(WrongPassphrase))`.
    ///
    /// After any of these errors the stored accounts and keys are unchanged.
    pub async fn open_with(settings: Settings, keys: Keys) -> Result<Self, PhoneError> {
        let home = Home::open(&settings.home)?;
        let trust = trust::with(settings.ca.as_deref())?;
        let key_store = keys::open(&home, keys).await?;
        let guard: Arc<dyn PassphraseGuard> = key_store.clone();
        let relay = home.relay(settings.relay.as_deref())?;
        let relay_secret = home.relay_secret(key_store.as_ref())?;
        let channel = Arc::new(DirectChannel::new(&relay, relay_secret.secret.clone(), trust.relay)?);
        let ports = Ports {
            key_store,
            device_lock: Arc::new(PassphraseLock(Arc::clone(&guard))),
            push_channel: channel.clone(),
            tls_trust: trust.core,
            clock: Arc::clone(&settings.clock),
            device: description(settings.device_name),
        };
        let authenticator = Authenticator::open(Folders::under(home.path().to_owned()), ports).await?;
        // The relay secret is written only after the core has opened the folder. A folder that the core can't open
        // keeps its old relay secret.
        if home.keep(&relay_secret)? {
            authenticator.push_address_changed().await?;
        }
        Ok(Self { authenticator, channel, guard, clock: settings.clock })
    }

    /// Lists the accounts in a folder that was copied from another phone; changes nothing.
    ///
    /// # Errors
    /// The same errors as `countersign::restored_accounts`.
    pub async fn restored_accounts(settings: &Settings) -> Result<Vec<Account>, PhoneError> {
        Ok(countersign::restored_accounts(Folders::under(settings.home.clone())).await?)
    }

    /// Empties a folder that was copied from another phone; refuses a folder whose keys are in this key store.
    ///
    /// # Errors
    /// `NotFromAnotherDevice` when the keys of the folder are in this key store. When the folder or the key store can't
    /// be used, the errors are the same as those of `open_with`.
    pub async fn start_over(settings: &Settings, keys: Keys) -> Result<(), PhoneError> {
        let home = Home::open(&settings.home)?;
        let key_store = keys::open(&home, keys).await?;
        Ok(countersign::start_over(Folders::under(settings.home.clone()), key_store).await?)
    }

    /// Returns the core of this phone.
    #[must_use]
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// Returns the channel that receives this phone's pushes.
    #[must_use]
    pub fn channel(&self) -> &Arc<DirectChannel> {
        &self.channel
    }

    /// Returns the port for the lock and for the sign-in keys that the lock protects.
    #[must_use]
    pub fn guard(&self) -> &Arc<dyn PassphraseGuard> {
        &self.guard
    }

    /// Returns the time by this phone's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn description(name: String) -> DeviceDescription {
    DeviceDescription { name, model: MODEL.to_owned(), os: os(), app_version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// Returns "Terminal on" and this computer's name, or "Terminal" when the name is unknown.
pub(crate) fn default_name() -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    match host.trim() {
        "" => "Terminal".to_owned(),
        host => format!("Terminal on {host}"),
    }
}

/// Returns the operating system's name from os-release(5). When that file gives no name, returns Rust's name for the
/// operating system.
fn os() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}
