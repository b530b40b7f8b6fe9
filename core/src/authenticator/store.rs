//! The database: one SQLite file in the app's private folder. Secrets are sealed column by column.
//!
//! Every access runs in one transaction: a change is written completely or not at all. It runs on the thread of its
//! caller and blocks this thread for some milliseconds at most, except while another process writes. Two switches
//! between threads would take as long as the transaction. The runtime has another thread for its other tasks. The acts
//! decide what a record means; this module only stores it.

mod accounts;
mod cached;
#[cfg(test)]
mod contended;
mod enrollments;
#[cfg(test)]
mod frozen;
mod notices;
mod outbox;
#[cfg(test)]
mod outdated;
pub(crate) mod prompts;
mod push_addresses;
mod recipients;
mod registrations;
pub(crate) mod restored;
pub(crate) mod retired_keys;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod samples;
mod sign_in_enrollments;
#[cfg(test)]
mod torn;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Rows, TransactionBehavior, params};
use zeroize::Zeroizing;

use crate::authenticator::error::Error;
use crate::base::clock::Timestamp;
use crate::base::points;
use crate::base::points::{Point, Side};
use crate::base::seal::Sealer;
use crate::inbox::{InboxDurability, Keeper, KeptPush};
use crate::values::platform::{KeyStore, PlatformError};
use cached::Cached;

/// The schema version that this code reads and writes. `PRAGMA user_version` is the schema version of a file.
const SCHEMA_VERSION: i64 = 2;
/// The statements that make each schema from the schema before; the first one from an empty file.
const SCHEMAS: [&str; 2] = [include_str!("store/schema_1.sql"), include_str!("store/schema_2.sql")];

/// How long an access waits for another process. Only the terminal phone can run as two processes with one database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The open database. Clones share its only connection.
///
/// # Security
/// Secrets are sealed with a random key that the platform's key store wraps, so a copied file reveals no secret. Names
/// and the service's public data are stored in the clear.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    /// Seals secret columns.
    sealer: Arc<Sealer>,
    /// Writes the accounts' files for the notification extension, and reads the pushes that it has received.
    inbox: Arc<Keeper>,
}

/// The records, inside one transaction. Each table has its own file with methods of this type.
pub(crate) struct Tables<'a> {
    connection: Cached<'a>,
    sealer: &'a Sealer,
    /// The slots of the accounts whose file for the notification extension is outdated by this transaction.
    outdated: RefCell<BTreeSet<Vec<u8>>>,
}

impl Store {
    /// Opens or creates the database at `path`. In the folder `inbox`, writes those accounts' files for the notification
    /// extension that an earlier process may not have written durably. Blocks.
    ///
    /// # Errors
    /// `NotYetUnlocked`, `FromAnotherDevice`, `NewerSchema`, `Platform`, `Store`. After an error the records are
    /// unchanged.
    pub(crate) fn open(path: &Path, inbox: &Path, key_store: &dyn KeyStore) -> Result<Self, Error> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(cached::STATEMENTS);
        refuse_newer(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Without this setting, freed pages would keep old sealed values and personal data.
        // GUARD(secure-delete): secrets_are_not_written_to_logs_files_or_urls
        connection.pragma_update(None, "secure_delete", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        migrate(&transaction)?;
        let (sealer, _wrapped) = open_sealer(&transaction, key_store, "store_key")?;
        let (inbox_sealer, wrapped) = open_sealer(&transaction, key_store, "inbox_key")?;
        let inbox = Keeper::new(inbox, inbox_sealer, wrapped);
        Tables::in_transaction(&transaction, &sealer).write_outdated(&inbox)?;
        points::reached(Point::Database, Side::Before);
        transaction.commit()?;
        points::reached(Point::Database, Side::After);
        Ok(Self { connection: Arc::new(Mutex::new(connection)), sealer: Arc::new(sealer), inbox: Arc::new(inbox) })
    }

    /// Runs `work` in one transaction that is always rolled back, so `work` must not write.
    ///
    /// # Errors
    /// The errors of `work`, and `Store` when the database fails.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tables<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.read_blocking(work)
    }

    /// Runs `work` in one transaction. Commits when `work` returns `Ok`, else rolls back. `point` names the transaction
    /// for tests that kill the process just before or after it.
    ///
    /// When this method returns, the change is on the disk (`synchronous = FULL`). If the change affects what a screen
    /// shows, use `Core::change` instead.
    ///
    /// # Errors
    /// The errors of `work`, and `Store` when the database fails. After any error nothing was written.
    pub(crate) async fn write<T, F>(&self, point: Point, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tables<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.write_blocking(point, work)
    }

    /// Returns the pushes that the notification extension has received in the last ten minutes. The folder is shared,
    /// so the caller must verify the pushes again. An unreadable file is skipped.
    pub(crate) fn kept_pushes(&self, now: Timestamp) -> Vec<KeptPush> {
        self.inbox.kept(now)
    }

    fn read_blocking<T>(&self, work: impl FnOnce(&Tables<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        work(&Tables::in_transaction(&transaction, &self.sealer))
    }

    /// As `write`, on the calling thread; blocks.
    pub(crate) fn write_blocking<T>(
        &self,
        point: Point,
        work: impl FnOnce(&Tables<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // A panic in an earlier transaction has rolled that transaction back; the connection can still be used.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tables = Tables::in_transaction(&transaction, &self.sealer);
        let value = work(&tables)?;
        let outdated = tables.outdated_in_transaction()?;
        points::reached(point, Side::Before);
        transaction.commit()?;
        points::reached(point, Side::After);
        // The connection is still locked, so the files are written in the order of the changes.
        for account in outdated {
            let _logged = account.write(&self.inbox, InboxDurability::Later);
        }
        Ok(value)
    }
}

impl<'a> Tables<'a> {
    /// Deletes all prompts and answers, and what they have changed in the accounts.
    #[cfg(feature = "testing")]
    pub(crate) fn forget_answers(&self) -> Result<(), Error> {
        let forget = "DELETE FROM prompts; DELETE FROM outbox; UPDATE accounts SET memory = NULL, push_came_at = NULL";
        Ok(self.connection.0.execute_batch(forget)?)
    }

    fn in_transaction(connection: &'a Connection, sealer: &'a Sealer) -> Self {
        Self { connection: Cached(connection), sealer, outdated: RefCell::default() }
    }
}

/// Reads the records of a query, in the query's order. Skips and logs each record that can't be read: one damaged
/// record must not hide the others.
fn readable<T>(
    mut rows: Rows<'_>,
    kind: &'static str,
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(record) => records.push(record),
            // GUARD(unreadable-record-alone): j9_w2_an_unreadable_record_affects_no_other_account
            // INSTEAD: Err(error) => return Err(error),
            Err(error) => tracing::error!(%error, kind, "a record is unreadable"),
        }
    }
    Ok(records)
}

/// Refuses a database with a newer schema, before anything in it is changed.
fn refuse_newer(connection: &Connection) -> Result<(), Error> {
    match schema_version(connection)? {
        found if found > SCHEMA_VERSION => Err(Error::NewerSchema(found)),
        _ => Ok(()),
    }
}

fn schema_version(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Brings an older or empty file to this schema.
fn migrate(connection: &Connection) -> Result<(), Error> {
    let found = usize::try_from(schema_version(connection)?).unwrap_or(0);
    for statements in SCHEMAS.iter().skip(found) {
        connection.execute_batch(statements)?;
    }
    if found < SCHEMAS.len() {
        connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    Ok(())
}

/// Loads the sealing key with this name, or makes it. Returns a sealer with the key, and the wrapped key.
///
/// The sealing key is random, and the platform's key store wraps it. So the secrets in a copied file can't be read on
/// another device.
///
/// # Errors
/// `NotYetUnlocked`, `FromAnotherDevice` or `Platform` when the key store fails (see `unwrap_failed`);
/// `Platform(Unusable)` when the key store does not return the key that it wrapped; `Store`.
fn open_sealer(connection: &Connection, key_store: &dyn KeyStore, name: &str) -> Result<(Sealer, Vec<u8>), Error> {
    if let Some(wrapped) = wrapped_key(connection, name)? {
        let key = key_store.unwrap(wrapped.clone()).map_err(unwrap_failed)?;
        return Ok((Sealer::new(key)?, wrapped));
    }
    let (sealer, key) = Sealer::make()?;
    let wrapped = key_store.wrap(key.to_vec()).map_err(unwrap_failed)?;
    // If the key store can't unwrap its own result, everything would be lost at the next start.
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
