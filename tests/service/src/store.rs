//! Stores records in a database, behind a trait. Records are found by id or listed by parent, and are changed only in
//! transactions.
//!
//! An operation of the service passes a function to [`Store::in_account`] or [`Store::global`], which runs the function
//! as one transaction. The function may run several times, so effects outside the database happen only after the commit:
//! the caller sends pushes, and [`Tx::after_commit`] writes log lines. Inside the transaction, the operation calls the
//! pure functions of its feature's `rules`, which make the decisions. SQLite and the memory back end pass the same
//! contract tests; other back ends can be added.

pub mod backend;
mod memory;
mod migrations;
mod sqlite;

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::clock::Time;
use crate::verdict::Verdict;

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

    /// Returns the account that the record belongs to, or `None` if it belongs to no account. A transaction on one
    /// account can't use the records of another account.
    fn account(&self) -> Option<&str> {
        None
    }
}

/// The records that a transaction may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The records of the account with this id, and records that belong to no account. Other back ends can run
    /// transactions of different accounts at the same time.
    Account(String),
    /// All records.
    Global,
}

/// The record no longer exists, so nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// A transaction over typed records.
///
/// The lifetime `'t` is different for each transaction, so a value that contains it can't be used in another
/// transaction.
pub struct Tx<'t> {
    rows: &'t mut dyn Rows,
    scope: &'t Scope,
    wrote: bool,
    after_commit: Vec<AfterCommit>,
}

type AfterCommit = Box<dyn FnOnce() + Send>;

/// Ties a value to one transaction: the lifetime `'t` is that of the transaction.
#[derive(Debug)]
pub struct Brand<'t>(PhantomData<fn(&'t ()) -> &'t ()>);

impl<'t> Tx<'t> {
    /// Returns a marker for values that must not outlive this transaction.
    #[must_use]
    pub fn brand(&self) -> Brand<'t> {
        Brand(PhantomData)
    }

    /// Wraps the rows of a transaction. The caller commits the transaction.
    pub fn over(rows: &'t mut dyn Rows, scope: &'t Scope) -> Self {
        Self { rows, scope, wrote: false, after_commit: Vec::new() }
    }

    /// Returns the record with this id.
    pub fn get<R: Record>(&mut self, id: &str) -> Result<Option<R>, StoreError> {
        let record = self.rows.get(R::TABLE, id)?.map(|body| serde_json::from_str(&body)).transpose()?;
        record.map(|record| self.in_scope(record)).transpose()
    }

    /// Stores a new record.
    ///
    /// # Errors
    /// `StoreError::Taken` if there is a record with the same id. Records with random ids never have the same id.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        if self.insert_if_new(record)? { Ok(()) } else { Err(StoreError::Taken) }
    }

    /// Stores a new record. Returns false, and writes nothing, if there is a record with the same id.
    pub fn insert_if_new<R: Record>(&mut self, record: &R) -> Result<bool, StoreError> {
        self.check_scope(record)?;
        self.wrote = true;
        self.rows.insert(R::TABLE, row(record)?)
    }

    /// Changes the stored record with this id, and returns the result of `change`. Only the stored record is changed, so
    /// an older copy of a record can't be written back, and a deleted record can't be restored. `change` must not change
    /// the record's id.
    pub fn update<R: Record, T>(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut R) -> T,
    ) -> Result<Verdict<T, Gone>, StoreError> {
        let Some(mut record) = self.get::<R>(id)? else {
            return Ok(Verdict::Refused(Gone));
        };
        let value = change(&mut record);
        self.check_scope(&record)?;
        self.wrote = true;
        if record.id() != id || !self.rows.update(R::TABLE, row(&record)?)? {
            return Err(StoreError::Stopped);
        }
        Ok(Verdict::Granted(value))
    }

    /// Stores `fresh`. If there is a record with the same id, changes that record instead.
    pub fn insert_or_update<R: Record>(&mut self, fresh: &R, change: impl FnOnce(&mut R)) -> Result<(), StoreError> {
        if !self.insert_if_new(fresh)? && self.update(fresh.id(), change)? == Verdict::Refused(Gone) {
            return Err(StoreError::Stopped);
        }
        Ok(())
    }

    /// Returns the records of a parent, in the order in which they were first written.
    pub fn children<R: Record>(&mut self, parent: &str) -> Result<Vec<R>, StoreError> {
        let bodies = self.rows.children(R::TABLE, parent)?;
        bodies.iter().map(|body| self.in_scope(serde_json::from_str(body)?)).collect()
    }

    /// Returns every record of this type, in the order in which they were first written.
    pub fn every<R: Record>(&mut self) -> Result<Vec<R>, StoreError> {
        let bodies = self.rows.every(R::TABLE)?;
        bodies.iter().map(|body| self.in_scope(serde_json::from_str(body)?)).collect()
    }

    /// Deletes a record. Returns false if there was no record with this id.
    pub fn delete<R: Record>(&mut self, id: &str) -> Result<bool, StoreError> {
        if self.get::<R>(id)?.is_none() {
            return Ok(false);
        }
        self.wrote = true;
        self.rows.delete(R::TABLE, id)
    }

    /// Deletes every expired record.
    pub fn sweep(&mut self, now: Time) -> Result<(), StoreError> {
        Table::ALL.into_iter().try_for_each(|table| self.rows.sweep(table, now))
    }

    /// Runs `act` once, after the transaction is committed. If the transaction fails or runs again, `act` does not run.
    pub fn after_commit(&mut self, act: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(act));
    }

    fn in_scope<R: Record>(&self, record: R) -> Result<R, StoreError> {
        self.check_scope(&record)?;
        Ok(record)
    }

    fn check_scope<R: Record>(&self, record: &R) -> Result<(), StoreError> {
        match (self.scope, record.account()) {
            (Scope::Account(ours), Some(account)) if ours != account => Err(StoreError::OtherAccount),
            (Scope::Account(_) | Scope::Global, _) => Ok(()),
        }
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

    /// Runs `work` as one transaction on the records of one account, on a blocking thread. `work` may run several times,
    /// and only the changes of the last run are stored.
    pub async fn in_account<T, F>(&self, account_id: &str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.run(Scope::Account(account_id.to_owned()), work).await
    }

    /// Like `in_account`, for a transaction that uses the records of several accounts, or that finds out the account
    /// only from a record.
    pub async fn global<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.run(Scope::Global, work).await
    }

    async fn run<T, F>(&self, scope: Scope, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        let run = tokio::task::spawn_blocking(move || store.run_blocking(&scope, work));
        run.await.map_err(|_stopped| StoreError::Stopped)?
    }

    /// Like `global`, for work that only counts something: a power failure may lose the change, and tasks that wait for
    /// changes are not notified.
    pub async fn count<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        let counted = tokio::task::spawn_blocking(move || store.transact(Durability::Relaxed, &Scope::Global, &work));
        Ok(counted.await.map_err(|_stopped| StoreError::Stopped)??.0)
    }

    /// Runs `work` as one global transaction on this thread.
    pub fn global_blocking<T>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.run_blocking(&Scope::Global, work)
    }

    /// Runs `work` as one transaction with this scope, on this thread.
    pub fn run_blocking<T>(
        &self,
        scope: &Scope,
        work: impl Fn(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (value, wrote) = self.transact(Durability::Full, scope, &work)?;
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
        scope: &Scope,
        work: &impl Fn(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, bool), StoreError> {
        let mut last = None;
        self.backend.transact(durability, &mut |rows| {
            let mut tx = Tx::over(rows, scope);
            let value = work(&mut tx)?;
            last = Some((value, tx.wrote, tx.after_commit));
            Ok(())
        })?;
        let (value, wrote, after_commit) = last.ok_or(StoreError::Stopped)?;
        after_commit.into_iter().for_each(|act| act());
        Ok((value, wrote))
    }

    /// Returns a receiver that is notified of the changes that this process makes through `run` and `run_blocking`.
    /// Changes by other processes are found only by reading the database again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
