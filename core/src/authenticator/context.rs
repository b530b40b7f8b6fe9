//! What every act works with: store, ports, network, and the news that something changed.

mod presence;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use crate::authenticator::error::Error;
use crate::authenticator::network::http::Http;
use crate::authenticator::ports::{self, Ports};
use crate::authenticator::records::unlocking::Unlocking;
use crate::authenticator::speaking::connection::Connection;
use crate::authenticator::store::{Store, Tables};
use crate::authenticator::tasks;
use crate::base::points::Point;
use crate::values::platform::{LockState, PlatformError};
use presence::Presence;

pub(crate) const DATABASE: &str = "countersign.db";

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
        match tokio::time::timeout(ports::TIMEOUT, opening).await {
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
            ports: Ports { device: ports.device.cleaned(), ..ports },
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

    /// What speaking to a service needs of all this.
    pub(crate) fn connection(&self) -> Connection<'_> {
        Connection { ports: &self.ports, http: &self.http, store: &self.store }
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
        let seen = self.ports.ask(|ports| ports.device_lock.state()).await?;
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
}

/// The folder is the app's own; on shared systems nobody else may look inside.
fn make_private(home: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(home).map_err(|_denied| Error::Store(crate::authenticator::error::StoreFault::ReadOnly))
}
