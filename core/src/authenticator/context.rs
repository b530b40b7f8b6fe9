//! Holds the state that all acts share: store, ports, network, and the revision, a number that each change increases.

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

/// The database's file name in `Folders::home`.
pub(crate) const DATABASE: &str = "countersign.db";

/// The folders in which the authenticator stores its records. `Authenticator::open` creates the folders. On Unix a new
/// folder gets the mode 0700, so only its owner can access it.
///
/// If the folders are copied to another device, they reveal the accounts' names but no secret (see
/// `restored_accounts`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Private to the app; contains the database.
    pub home: PathBuf,
    /// Shared with the notification extension (`Inbox`), if the app has one: an app-group folder on iOS.
    pub inbox: PathBuf,
}

impl Folders {
    /// Puts the inbox into `home`, for platforms without a notification extension.
    #[must_use]
    pub fn under(home: PathBuf) -> Self {
        let inbox = home.join("inbox");
        Self { home, inbox }
    }
}

/// The shared state of all acts of one open authenticator.
pub(crate) struct Core {
    pub(crate) ports: Ports,
    pub(crate) store: Store,
    pub(crate) http: Http,
    /// Increases with every change that may alter a screen.
    revision: watch::Sender<u64>,
    /// Wakes the loop that sends the outbox (`outbox::run`).
    outbox: Notify,
    /// Wakes the loop that renews push addresses (`push_address::run`).
    push_addresses: Notify,
    /// Keeps the file lock in the home folder as long as the authenticator is open.
    _presence: Presence,
    /// The device lock as last read; `None` before the first reading.
    lock: Mutex<Option<LockState>>,
    /// Approvals that wait for user verification. They are only in memory.
    pub(crate) unlocking: Unlocking,
}

impl Core {
    /// Opens the database and the network client, on a blocking thread.
    ///
    /// # Errors
    /// As `Store::open`; `Store(ReadOnly)` when a folder can't be created; `Untrusted` when TLS can't be configured;
    /// `Platform(Transient)` when opening takes longer than `ports::TIMEOUT`, for example because the key store hangs.
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
        // GUARD(lease-ended-when-alone): only_a_process_that_is_alone_ends_leases
        // INSTEAD: if presence.is_alone() || true {
        if presence.is_alone() {
            store.write_blocking(Point::CleanedUp, |tables| tables.end_leases())?;
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

    /// Returns the parts that an exchange with a service needs.
    pub(crate) fn connection(&self) -> Connection<'_> {
        Connection { ports: &self.ports, http: &self.http, store: &self.store }
    }

    /// Runs `work` in one transaction, as `Store::write`, and then reports a change to waiting callers.
    ///
    /// # Errors
    /// The errors of `work`, and `Store` when the database fails. After any error nothing was written, and no change is
    /// reported.
    pub(crate) async fn change<T, F>(&self, point: Point, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tables<'_>) -> Result<T, Error> + Send + 'static,
    {
        let value = self.store.write(point, work).await?;
        self.changed();
        Ok(value)
    }

    /// Increases the revision, so that waiting callers read a new snapshot.
    pub(crate) fn changed(&self) {
        self.revision.send_modify(|revision| *revision = revision.saturating_add(1));
    }

    /// Returns the current revision. Call this method before you read the data: in the opposite order, a change between
    /// the two calls would be missed.
    pub(crate) fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    /// Waits until the revision is no longer `revision`; returns immediately when it already differs.
    ///
    /// # Errors
    /// `Closed`.
    pub(crate) async fn changed_since(&self, revision: u64) -> Result<(), Error> {
        let mut changes = self.revision.subscribe();
        changes.wait_for(|now| *now != revision).await.map(|_now| ()).map_err(|_closed| Error::Closed)
    }

    /// Reads the device lock. Reports a change when the lock has become missing, or is no longer missing, because the
    /// health of accounts with phone sign-in depends on this.
    ///
    /// # Errors
    /// `Platform` when the port fails; `lock_seen` then still returns the last reading.
    pub(crate) async fn lock(&self) -> Result<LockState, Error> {
        let seen = self.ports.ask(|ports| ports.device_lock.state()).await?;
        let before = self.lock.lock().unwrap_or_else(PoisonError::into_inner).replace(seen);
        let is_missing = |lock: Option<LockState>| lock == Some(LockState::Missing);
        if is_missing(before) != is_missing(Some(seen)) {
            self.changed();
        }
        Ok(seen)
    }

    /// Returns the device lock as last read, without calling the port; `None` before the first reading.
    pub(crate) fn lock_seen(&self) -> Option<LockState> {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the pause of the outbox loop. If the loop is busy, its next pause ends immediately.
    pub(crate) fn wake_outbox(&self) {
        self.outbox.notify_one();
    }

    /// Waits for `wake_outbox`. Only the outbox loop may wait, since each wake-up reaches one waiter.
    pub(crate) async fn outbox_woken(&self) {
        self.outbox.notified().await;
    }

    /// Ends the pause of the loop that renews push addresses. If the loop is busy, its next pause ends immediately.
    pub(crate) fn wake_push_addresses(&self) {
        self.push_addresses.notify_one();
    }

    /// Waits for `wake_push_addresses`. Only the renewal loop may wait, since each wake-up reaches one waiter.
    pub(crate) async fn push_addresses_woken(&self) {
        self.push_addresses.notified().await;
    }
}

/// Creates a folder; on Unix with mode 0700, so other users of the system can't read it. An existing folder keeps its
/// mode.
fn make_private(home: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(home).map_err(|_denied| Error::Store(crate::authenticator::error::StoreFault::ReadOnly))
}
