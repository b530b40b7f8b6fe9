//! What every act works with: store, ports, network, and the news that something changed.

mod presence;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Notify, watch};

use crate::authenticator::error::Error;
use crate::authenticator::network::http::Http;
use crate::authenticator::records::unlocking::Unlocking;
use crate::authenticator::store::{Store, Tables};
use crate::authenticator::tasks;
use crate::base::clock::Clock;
use crate::base::jose;
use crate::base::jose::{HeaderKey, PublicKey, base64url};
use crate::base::points::Point;
use crate::values::platform::{
    DeviceDescription, DeviceLock, KeyStore, LockState, PlatformError, PushChannel, TlsTrust,
};
use presence::Presence;

pub(crate) const DATABASE: &str = "countersign.db";
/// A port that answers later than this has failed for now; what it still brings is swept by its alias.
const PORT_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the authenticator keeps its things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Private to the app: the database.
    pub home: PathBuf,
    /// Shared with the notification extension, where there is one (`Inbox`).
    pub inbox: PathBuf,
}

impl Folders {
    /// Both in one private folder.
    #[must_use]
    pub fn under(home: PathBuf) -> Self {
        let inbox = home.join("inbox");
        Self { home, inbox }
    }
}

/// What the platform gives the core.
#[derive(Clone)]
pub struct Ports {
    /// Keys that never leave the device.
    pub key_store: Arc<dyn KeyStore>,
    /// Whether the device has a lock.
    pub device_lock: Arc<dyn DeviceLock>,
    /// How pushes reach this phone.
    pub push_channel: Arc<dyn PushChannel>,
    /// Which certificate chains are trusted.
    pub tls_trust: Arc<dyn TlsTrust>,
    /// Wall time and time since boot.
    pub clock: Arc<dyn Clock>,
    /// What this phone says of itself.
    pub device: DeviceDescription,
}

/// What every act is given.
pub(crate) struct Core {
    pub(crate) ports: Ports,
    pub(crate) store: Store,
    pub(crate) http: Http,
    revision: watch::Sender<u64>,
    outbox: Notify,
    push_addresses: Notify,
    _presence: Presence,
    /// The device lock as it was last seen.
    lock: Mutex<Option<LockState>>,
    /// Approvals that wait for the person to unlock a key; nothing of them has happened yet.
    pub(crate) unlocking: Unlocking,
}

impl Core {
    /// Opens the database and the network client.
    ///
    /// # Errors
    /// `Platform(Transient)` when the key store does not answer in time.
    pub(crate) async fn open(folders: Folders, ports: Ports) -> Result<Self, Error> {
        let opening = tasks::blocking(move || Self::open_blocking(&folders, ports));
        match tokio::time::timeout(PORT_TIMEOUT, opening).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(_)) | Err(_) => Err(Error::Platform(PlatformError::Transient)),
        }
    }

    fn open_blocking(folders: &Folders, ports: Ports) -> Result<Self, Error> {
        make_private(&folders.home)?;
        make_private(&folders.inbox)?;
        let presence = Presence::enter(&folders.home)?;
        let store = Store::open(&folders.home.join(DATABASE), &folders.inbox, ports.key_store.as_ref())?;
        // GUARD(lease-ended-when-alone): a_lease_is_ended_only_by_a_process_that_is_alone
        // INSTEAD: if presence.is_alone() || true {
        if presence.is_alone() {
            store.write_blocking(Point::TakenUp, |tables| tables.end_leases())?;
        }
        let http = Http::new(Arc::clone(&ports.tls_trust), Arc::clone(&ports.clock))?;
        Ok(Self {
            ports: Ports { device: ports.device.told(), ..ports },
            store,
            http,
            revision: watch::Sender::new(0),
            outbox: Notify::new(),
            push_addresses: Notify::new(),
            _presence: presence.shared(),
            lock: Mutex::new(None),
            unlocking: Unlocking::default(),
        })
    }

    /// Runs `work` in one transaction, the step `point`, and tells everybody who waits for a change.
    pub(crate) async fn change<T, F>(&self, point: Point, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tables<'_>) -> Result<T, Error> + Send + 'static,
    {
        let value = self.store.write(point, work).await?;
        self.changed();
        Ok(value)
    }

    /// What the person sees is no longer what they saw.
    pub(crate) fn changed(&self) {
        self.revision.send_modify(|revision| *revision = revision.saturating_add(1));
    }

    pub(crate) fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    pub(crate) async fn changed_since(&self, revision: u64) -> Result<(), Error> {
        let mut changes = self.revision.subscribe();
        changes.wait_for(|now| *now != revision).await.map(|_now| ()).map_err(|_closed| Error::Closed)
    }

    /// Asks the device for its lock, and tells everybody when accounts rest or wake by it.
    pub(crate) async fn lock(&self) -> Result<LockState, Error> {
        let seen = self.port(|ports| ports.device_lock.state()).await?;
        let before = self.lock.lock().unwrap_or_else(PoisonError::into_inner).replace(seen);
        let is_missing = |lock: Option<LockState>| lock == Some(LockState::Missing);
        if is_missing(before) != is_missing(Some(seen)) {
            self.changed();
        }
        Ok(seen)
    }

    /// The lock as it was last seen, without asking.
    pub(crate) fn lock_seen(&self) -> Option<LockState> {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake_outbox(&self) {
        self.outbox.notify_one();
    }

    pub(crate) async fn outbox_woken(&self) {
        self.outbox.notified().await;
    }

    pub(crate) fn wake_push_addresses(&self) {
        self.push_addresses.notify_one();
    }

    pub(crate) async fn push_addresses_woken(&self) {
        self.push_addresses.notified().await;
    }

    /// Asks a port on a blocking thread, for a limited time.
    pub(crate) async fn port<T, F>(&self, ask: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Ports) -> Result<T, PlatformError> + Send + 'static,
    {
        let ports = self.ports.clone();
        let answer = tasks::blocking(move || ask(&ports));
        match tokio::time::timeout(PORT_TIMEOUT, answer).await {
            Ok(Ok(answer)) => Ok(answer?),
            // A port that panicked or never returned says nothing about the key.
            Ok(Err(_)) | Err(_) => Err(Error::Platform(PlatformError::Transient)),
        }
    }

    /// Destroys the key under `alias`, and makes sure that it is gone: a port that fails without saying so
    /// must not leave a key behind that everybody believes destroyed.
    pub(crate) async fn delete_key(&self, alias: String) -> Result<(), Error> {
        let wanted = alias.clone();
        self.port(move |ports| ports.key_store.delete(wanted)).await?;
        match self.port(move |ports| ports.key_store.public_key(alias)).await {
            Err(Error::Platform(PlatformError::Gone)) => Ok(()),
            Ok(_still_there) => Err(Error::Platform(PlatformError::Transient)),
            Err(error) => Err(error),
        }
    }

    /// Signs `payload` as a compact JWS with the key under `alias`.
    pub(crate) async fn sign_jws(
        &self,
        alias: &str,
        typ: &str,
        key: HeaderKey<'_>,
        payload: &impl Serialize,
    ) -> Result<String, Error> {
        let unusable = |_garbage| Error::Platform(PlatformError::Unusable);
        let input = jose::signing_input(typ, key, payload).map_err(unusable)?;
        let alias = alias.to_owned();
        let message = input.clone().into_bytes();
        let der = self.port(move |ports| ports.key_store.sign(alias, message)).await?;
        let signature = jose::signature_from_der(&der).map_err(unusable)?;
        Ok(jose::attach(&input, &signature))
    }
}

/// Makes sure that the key store signed these bytes with the key that it made: what is decided by the person is
/// signed once and sent for a day, so a signature that nobody will accept must not be kept.
///
/// # Errors
/// `Platform(Unusable)` for garbage or another key's signature.
pub(crate) fn check_own_signature(jws: &str, key: &PublicKey) -> Result<(), Error> {
    let unusable = || Error::Platform(PlatformError::Unusable);
    let (input, signature) = jws.rsplit_once('.').ok_or_else(unusable)?;
    let signature = base64url::decode(signature).map_err(|_garbage| unusable())?;
    key.verify(input.as_bytes(), &signature).map_err(|_wrong| unusable())
}

/// The folder is the app's own; on shared systems nobody else may look inside.
fn make_private(home: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(home).map_err(|_denied| Error::Store(crate::authenticator::error::StoreFault::ReadOnly))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::testing::FakeKeyStore;
    use crate::values::platform::{KeyGuard, KeyStore};

    #[test]
    fn only_the_key_that_was_made_signs_for_the_person() {
        let keys = FakeKeyStore::default();
        let made =
            |alias: &str| PublicKey::from_sec1(&keys.make(alias.to_owned(), KeyGuard::AfterFirstUnlock).unwrap());
        let (own, another) = (made("own").unwrap(), made("another").unwrap());
        let der = keys.sign("own".to_owned(), b"header.payload".to_vec()).unwrap();
        let jws = jose::attach("header.payload", &jose::signature_from_der(&der).unwrap());
        let unusable = Err(Error::Platform(PlatformError::Unusable));
        assert_eq!(check_own_signature(&jws, &own), Ok(()));
        assert_eq!(check_own_signature(&jws, &another), unusable);
        assert_eq!(check_own_signature(&jws.replace("payload", "Payload"), &own), unusable);
        assert_eq!(check_own_signature("header.payload.", &own), unusable);
    }
}
