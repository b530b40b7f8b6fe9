//! The database: one SQLite file in the app's private folder, secrets sealed column by column.
//!
//! Decides how records are kept and that a change is whole or not at all; what the records mean is
//! decided by the modules that own them. Every access runs on a blocking thread, in one transaction.

mod accounts;
#[cfg(test)]
mod contended;
mod enrollments;
#[cfg(test)]
mod frozen;
mod notices;
mod outbox;
pub(crate) mod prompts;
mod push_addresses;
mod registrations;
pub(crate) mod restored;
pub(crate) mod retired_keys;
#[cfg(test)]
pub(crate) mod samples;
mod sign_in_enrollments;
#[cfg(test)]
mod torn;

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Rows, TransactionBehavior, params};
use zeroize::Zeroizing;

use crate::authenticator::error::Error;
use crate::authenticator::tasks;
use crate::base::clock::Timestamp;
use crate::base::points;
use crate::base::points::{Point, Side};
use crate::base::seal::Sealer;
use crate::inbox::{Keeper, KeptPush};
use crate::values::platform::{KeyStore, PlatformError};

/// Schema of this version; `PRAGMA user_version` says which one a file has.
const SCHEMA_VERSION: i64 = 1;
const SCHEMA_1: &str = include_str!("store/schema_1.sql");

/// How long a writer waits for another process (only the terminal phone may have two).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The open database.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    sealer: Arc<Sealer>,
    inbox: Arc<Keeper>,
}

/// The records, inside one transaction.
pub(crate) struct Tables<'a> {
    connection: &'a Connection,
    sealer: &'a Sealer,
    /// Whether pushes can come for other accounts, or be verified otherwise, than before.
    recipients_changed: Cell<bool>,
}

impl Store {
    /// Opens or makes the database at `path` and leaves a snapshot in the `inbox` folder; blocks.
    ///
    /// # Errors
    /// `NotYetUnlocked`, `FromAnotherDevice` and `NewerSchema` leave the file as it was.
    pub(crate) fn open(path: &Path, inbox: &Path, key_store: &dyn KeyStore) -> Result<Self, Error> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        refuse_newer(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Freed pages would otherwise keep old sealed values and personal data.
        // GUARD(secure-delete): no_secret_of_a_whole_journey_is_written_down
        connection.pragma_update(None, "secure_delete", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        migrate(&transaction)?;
        let (sealer, _wrapped) = open_sealer(&transaction, key_store, "store_key")?;
        let (inbox_sealer, wrapped) = open_sealer(&transaction, key_store, "inbox_key")?;
        points::reached(Point::Database, Side::Before);
        transaction.commit()?;
        points::reached(Point::Database, Side::After);
        let inbox = Arc::new(Keeper::new(inbox, inbox_sealer, wrapped));
        let store = Self { connection: Arc::new(Mutex::new(connection)), sealer: Arc::new(sealer), inbox };
        // A process killed between a change and its snapshot left an older one.
        store.inbox.leave(&store.read_blocking(|tables| tables.recipients())?);
        Ok(store)
    }

    /// Runs `work` in one transaction that only reads: what it writes is not kept.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tables<'_>) -> Result<T, Error> + Send + 'static,
    {
        let store = self.clone();
        tasks::blocking(move || store.read_blocking(work)).await?
    }

    /// Runs `work` in one transaction, written when it returns `Ok` and undone otherwise: the step `point`.
    pub(crate) async fn write<T, F>(&self, point: Point, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tables<'_>) -> Result<T, Error> + Send + 'static,
    {
        let store = self.clone();
        tasks::blocking(move || store.write_blocking(point, work)).await?
    }

    /// What the notification extension has found.
    pub(crate) async fn kept_pushes(&self, now: Timestamp) -> Result<Vec<KeptPush>, Error> {
        let inbox = Arc::clone(&self.inbox);
        tasks::blocking(move || inbox.kept(now)).await
    }

    fn read_blocking<T>(&self, work: impl FnOnce(&Tables<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        work(&Tables { connection: &transaction, sealer: &self.sealer, recipients_changed: Cell::new(false) })
    }

    pub(crate) fn write_blocking<T>(
        &self,
        point: Point,
        work: impl FnOnce(&Tables<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // A panic in another transaction rolled that one back; the connection itself is sound.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tables = Tables { connection: &transaction, sealer: &self.sealer, recipients_changed: Cell::new(false) };
        let value = work(&tables)?;
        let recipients = tables.recipients_changed.get().then(|| tables.recipients()).transpose()?;
        points::reached(point, Side::Before);
        transaction.commit()?;
        points::reached(point, Side::After);
        // Still under the lock, so that snapshots follow each other as the changes did.
        if let Some(recipients) = recipients {
            self.inbox.leave(&recipients);
        }
        Ok(value)
    }
}

/// Every record of a query that can be read, in its order: one that can't costs no other.
fn readable<T>(
    mut rows: Rows<'_>,
    kind: &'static str,
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(record) => records.push(record),
            // GUARD(unreadable-record-alone): j9_w2_one_unreadable_record_costs_no_other
            // INSTEAD: Err(error) => return Err(error),
            Err(error) => tracing::error!(%error, kind, "a record is unreadable"),
        }
    }
    Ok(records)
}

fn refuse_newer(connection: &Connection) -> Result<(), Error> {
    match schema_version(connection)? {
        found if found > SCHEMA_VERSION => Err(Error::NewerSchema(found)),
        _ => Ok(()),
    }
}

fn schema_version(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn migrate(connection: &Connection) -> Result<(), Error> {
    if schema_version(connection)? == 0 {
        connection.execute_batch(SCHEMA_1)?;
        connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    Ok(())
}

/// A key of ours and its wrapped form: random, wrapped by the platform's key store, so that a copied file
/// opens nowhere else.
fn open_sealer(connection: &Connection, key_store: &dyn KeyStore, name: &str) -> Result<(Sealer, Vec<u8>), Error> {
    if let Some(wrapped) = wrapped_key(connection, name)? {
        let key = key_store.unwrap(wrapped.clone()).map_err(unwrap_failed)?;
        return Ok((Sealer::new(key)?, wrapped));
    }
    let (sealer, key) = Sealer::make()?;
    let wrapped = key_store.wrap(key.to_vec()).map_err(unwrap_failed)?;
    // A key store that can't give back what it took would lose everything at the next start.
    let again = Zeroizing::new(key_store.unwrap(wrapped.clone()).map_err(unwrap_failed)?);
    if again.as_slice() != key.as_slice() {
        return Err(Error::Platform(PlatformError::Unusable));
    }
    connection.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![name, wrapped])?;
    Ok((sealer, wrapped))
}

fn wrapped_key(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(connection.query_row("SELECT value FROM meta WHERE key = ?1", [name], |row| row.get(0)).optional()?)
}

fn unwrap_failed(error: PlatformError) -> Error {
    match error {
        PlatformError::Locked => Error::NotYetUnlocked,
        PlatformError::Gone | PlatformError::Invalidated => Error::FromAnotherDevice,
        other => Error::Platform(other),
    }
}
