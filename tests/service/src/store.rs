//! The database behind a trait: records by id, listed by parent, changed in whole transactions.
//!
//! Every public operation of the service is one function run by [`Store::run`]; its decisions are made by
//! the pure rules of its room. SQLite and memory pass one contract suite; others can follow.

pub mod backend;
mod memory;
mod sqlite;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::clock::Time;

pub use backend::{Backend, Kept, Row, Rows, StoreError, Table, Work};

/// Something that is stored.
pub trait Record: Serialize + DeserializeOwned {
    /// Where it is stored.
    const TABLE: Table;

    /// Its own name, unique in its table.
    fn id(&self) -> &str;

    /// What it is listed by.
    fn parent(&self) -> &str;

    /// When it may be forgotten.
    fn expires_at(&self) -> Option<Time>;
}

/// A transaction, by record type.
pub struct Tx<'a> {
    rows: &'a mut dyn Rows,
    wrote: bool,
}

impl<'a> Tx<'a> {
    /// A transaction over rows that somebody else keeps and commits.
    pub fn over(rows: &'a mut dyn Rows) -> Self {
        Self { rows, wrote: false }
    }

    /// The record with this id.
    pub fn get<R: Record>(&mut self, id: &str) -> Result<Option<R>, StoreError> {
        Ok(self.rows.get(R::TABLE, id)?.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// Writes a record.
    pub fn put<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        self.wrote = true;
        self.rows.put(R::TABLE, row(record)?)
    }

    /// Writes a record whose id must be new; false when it is not.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<bool, StoreError> {
        self.wrote = true;
        self.rows.insert(R::TABLE, row(record)?)
    }

    /// The records of a parent, in the order they were first written.
    pub fn children<R: Record>(&mut self, parent: &str) -> Result<Vec<R>, StoreError> {
        let bodies = self.rows.children(R::TABLE, parent)?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }

    /// Deletes a record; false when there was none.
    pub fn delete<R: Record>(&mut self, id: &str) -> Result<bool, StoreError> {
        self.wrote = true;
        self.rows.delete(R::TABLE, id)
    }

    /// Forgets everything whose time is over.
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
    /// Everything in memory; gone with the process.
    #[must_use]
    pub fn memory() -> Self {
        Self::with(Arc::new(memory::Memory::default()))
    }

    /// A SQLite file, made when it is not there.
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

    /// Counts something, on a blocking thread: a transaction that nobody waits for, and that a power cut may take.
    pub async fn count<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        let counted = tokio::task::spawn_blocking(move || store.transact(Kept::Probably, work));
        Ok(counted.await.map_err(|_stopped| StoreError::Stopped)??.0)
    }

    /// Runs `work` as one transaction on this thread.
    pub fn run_blocking<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (value, wrote) = self.transact(Kept::Surely, work)?;
        // Whoever waits for a change reads at each: reads that told of themselves would wake it for ever.
        if wrote {
            self.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(value)
    }

    /// Runs `work` and says whether it wrote anything.
    fn transact<T>(
        &self,
        kept: Kept,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, bool), StoreError> {
        let (mut work, mut value, mut wrote) = (Some(work), None, false);
        self.backend.transact(kept, &mut |rows| {
            let work = work.take().ok_or(StoreError::Stopped)?;
            let mut tx = Tx::over(rows);
            value = Some(work(&mut tx)?);
            wrote = tx.wrote;
            Ok(())
        })?;
        Ok((value.ok_or(StoreError::Stopped)?, wrote))
    }

    /// Tells of every change made by this process; other processes' changes are found by looking again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
