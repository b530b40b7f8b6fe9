//! Stores records in a database, behind a trait. Records are found by id or listed by parent, and are changed only in
//! transactions.
//!
//! An operation of the service passes a function to [`Store::run`], which runs the function as one transaction. Inside
//! the transaction, the operation calls the pure functions of its feature's `rules`, which make the decisions. SQLite
//! and the memory back end pass the same contract tests; other back ends can be added.

pub mod backend;
mod memory;
mod sqlite;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::clock::Time;

pub use backend::{Backend, Durability, Row, Rows, StoreError, Table, Work};

/// A type whose values are stored.
pub trait Record: Serialize + DeserializeOwned {
    /// The table that contains the records.
    const TABLE: Table;

    /// Returns the record's id, unique in its table.
    fn id(&self) -> &str;

    /// Returns the key under which [`Tx::children`] lists the record.
    fn parent(&self) -> &str;

    /// Returns when the record expires and may be deleted, or `None` if it never expires.
    fn expires_at(&self) -> Option<Time>;
}

/// A transaction over typed records.
pub struct Tx<'a> {
    rows: &'a mut dyn Rows,
    wrote: bool,
}

impl<'a> Tx<'a> {
    /// Wraps the rows of a transaction. The caller commits the transaction.
    pub fn over(rows: &'a mut dyn Rows) -> Self {
        Self { rows, wrote: false }
    }

    /// Returns the record with this id.
    pub fn get<R: Record>(&mut self, id: &str) -> Result<Option<R>, StoreError> {
        Ok(self.rows.get(R::TABLE, id)?.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// Writes a record. Replaces a record with the same id.
    pub fn put<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        self.wrote = true;
        self.rows.put(R::TABLE, row(record)?)
    }

    /// Writes a record with a new id. Returns false, and writes nothing, if the id is taken.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<bool, StoreError> {
        self.wrote = true;
        self.rows.insert(R::TABLE, row(record)?)
    }

    /// Returns the records of a parent, in the order in which they were first written.
    pub fn children<R: Record>(&mut self, parent: &str) -> Result<Vec<R>, StoreError> {
        let bodies = self.rows.children(R::TABLE, parent)?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }

    /// Deletes a record. Returns false if there was no record with this id.
    pub fn delete<R: Record>(&mut self, id: &str) -> Result<bool, StoreError> {
        self.wrote = true;
        self.rows.delete(R::TABLE, id)
    }

    /// Deletes every expired record.
    pub fn sweep(&mut self, now: Time) -> Result<(), StoreError> {
        Table::ALL.into_iter().try_for_each(|table| self.rows.sweep(table, now))
    }
}

fn row<R: Record>(record: &R) -> Result<Row, StoreError> {
    Ok(Row {
        id: record.id().to_owned(),
        parent: record.parent().to_owned(),
        expires_at: record.expires_at(),
        body: serde_json::to_string(record)?,
    })
}

/// The open database.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    changes: watch::Sender<u64>,
}

impl Store {
    /// Creates a store in memory. Its content is lost when the process ends.
    #[must_use]
    pub fn memory() -> Self {
        Self::with(Arc::new(memory::Memory::default()))
    }

    /// Opens a SQLite file. Creates the file on first use.
    pub fn sqlite(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::with(Arc::new(sqlite::Sqlite::open(path)?)))
    }

    fn with(backend: Arc<dyn Backend>) -> Self {
        Self { backend, changes: watch::Sender::new(0) }
    }

    /// Runs `work` as one transaction on a blocking thread.
    pub async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.run_blocking(work)).await.map_err(|_stopped| StoreError::Stopped)?
    }

    /// Like `run`, for work that only counts something: a power failure may lose the change, and tasks that wait for
    /// changes are not notified.
    pub async fn count<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        let counted = tokio::task::spawn_blocking(move || store.transact(Durability::Relaxed, work));
        Ok(counted.await.map_err(|_stopped| StoreError::Stopped)??.0)
    }

    /// Runs `work` as one transaction on this thread.
    pub fn run_blocking<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (value, wrote) = self.transact(Durability::Full, work)?;
        // Tasks that wait for changes read the database after each change. If reads counted as changes, these tasks
        // would wake again and again.
        if wrote {
            self.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(value)
    }

    /// Runs `work` as one transaction. Returns two values: the value that `work` returned; and whether `work` wrote
    /// anything.
    fn transact<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, bool), StoreError> {
        let (mut work, mut value, mut wrote) = (Some(work), None, false);
        self.backend.transact(durability, &mut |rows| {
            let work = work.take().ok_or(StoreError::Stopped)?;
            let mut tx = Tx::over(rows);
            value = Some(work(&mut tx)?);
            wrote = tx.wrote;
            Ok(())
        })?;
        Ok((value.ok_or(StoreError::Stopped)?, wrote))
    }

    /// Returns a receiver that is notified of the changes that this process makes through `run` and `run_blocking`.
    /// Changes by other processes are found only by reading the database again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
