//! The authenticator with the ports of a desktop, and the stream of pushes that belongs to it.

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

/// A terminal can't tell whether the computer around it locks itself; its own lock is a passphrase.
struct PassphraseLock(Arc<dyn PassphraseGuard>);

impl DeviceLock for PassphraseLock {
    fn state(&self) -> Result<LockState, PlatformError> {
        Ok(if self.0.has_lock()? { LockState::Credential } else { LockState::Missing })
    }
}

/// How a phone is opened.
#[derive(Clone)]
pub struct Settings {
    /// Its private folder; made when missing.
    pub home: PathBuf,
    /// The relay; `None` takes the one of last time.
    pub relay: Option<String>,
    /// PEM text of certificate authorities that are trusted beside the system's.
    pub ca: Option<Vec<u8>>,
    /// What it calls itself.
    pub device_name: String,
    /// Wall time and time since boot.
    pub clock: Arc<dyn Clock>,
}

impl Settings {
    /// The settings of a phone in `home`, called after this computer, by the system's clock.
    #[must_use]
    pub fn new(home: PathBuf) -> Self {
        Self { home, relay: None, ca: None, device_name: default_name(), clock: Arc::new(SystemClock) }
    }
}

/// A phone, opened.
#[derive(Clone)]
pub struct Phone {
    authenticator: Authenticator,
    channel: Arc<DirectChannel>,
    guard: Arc<dyn PassphraseGuard>,
    clock: Arc<dyn Clock>,
}

impl Phone {
    /// Opens the phone in `home` with its keys in the sealed file, the system's clock and this computer's name.
    ///
    /// # Errors
    /// As `open_with`.
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
    /// `Home`, `NoRelay`, `RelayAddress`, `Certificates`; `NoKeyring` and `KeysElsewhere` about where the keys are; a
    /// wrong passphrase is the core's `Platform(WrongPassphrase)`. Nothing that was there is changed by an error.
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
        // Kept only now: a folder that doesn't open is left as it is.
        if home.keep(&relay_secret)? {
            authenticator.push_address_changed().await?;
        }
        Ok(Self { authenticator, channel, guard, clock: settings.clock })
    }

    /// The accounts in a folder that was copied from another phone; names only, nothing is changed.
    ///
    /// # Errors
    /// As the core.
    pub async fn restored_accounts(settings: &Settings) -> Result<Vec<Account>, PhoneError> {
        Ok(countersign::restored_accounts(Folders::under(settings.home.clone())).await?)
    }

    /// Empties a folder that was copied from another phone; one whose keys are here is left alone.
    ///
    /// # Errors
    /// `NotFromAnotherDevice`; as `open_with` about where the keys are.
    pub async fn start_over(settings: &Settings, keys: Keys) -> Result<(), PhoneError> {
        let home = Home::open(&settings.home)?;
        let key_store = keys::open(&home, keys).await?;
        Ok(countersign::start_over(Folders::under(settings.home.clone()), key_store).await?)
    }

    /// The core behind this phone.
    #[must_use]
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// The way pushes come by.
    #[must_use]
    pub fn channel(&self) -> &Arc<DirectChannel> {
        &self.channel
    }

    /// The lock, and the keys that it guards.
    #[must_use]
    pub fn guard(&self) -> &Arc<dyn PassphraseGuard> {
        &self.guard
    }

    /// The time by this phone's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn description(name: String) -> DeviceDescription {
    DeviceDescription { name, model: MODEL.to_owned(), os: os(), app_version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// "Terminal on" and this computer's name, where it says one.
pub(crate) fn default_name() -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    match host.trim() {
        "" => "Terminal".to_owned(),
        host => format!("Terminal on {host}"),
    }
}

/// The operating system as os-release(5) names it.
fn os() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}
