//! The SQLite back end: one table for each kind of record, all with the same columns.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::backend::{Backend, Durability, Row, Rows, StoreError, Table, Work};
use super::migrations;
use crate::clock::Time;

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Sqlite(Mutex<Connection>);

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "secure_delete", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        migrations::migrate(&transaction)?;
        transaction.commit()?;
        Ok(Self(Mutex::new(connection)))
    }
}

impl Backend for Sqlite {
    fn transact(&self, durability: Durability, work: &mut Work<'_>) -> Result<(), StoreError> {
        // A poisoned mutex means that another transaction panicked. That transaction was rolled back, and the
        // connection is still valid.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // In WAL mode, NORMAL keeps the file as consistent as FULL does, but a commit does not wait for the disk.
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        work(&mut transaction)?;
        Ok(transaction.commit()?)
    }
}

impl Rows for Transaction<'_> {
    fn get(&mut self, table: Table, id: &str) -> Result<Option<String>, StoreError> {
        let sql = format!("SELECT body FROM {} WHERE id = ?1", table.name());
        Ok(self.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()?)
    }

    fn update(&mut self, table: Table, row: Row) -> Result<bool, StoreError> {
        let sql = format!("UPDATE {} SET parent = ?2, expires_at = ?3, body = ?4 WHERE id = ?1", table.name());
        Ok(self.prepare_cached(&sql)?.execute(params![row.id, row.parent, row.expires_at, row.body])? == 1)
    }

    fn insert(&mut self, table: Table, row: Row) -> Result<bool, StoreError> {
        let sql = format!(
            "INSERT INTO {} (id, parent, expires_at, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
            table.name()
        );
        Ok(self.prepare_cached(&sql)?.execute(params![row.id, row.parent, row.expires_at, row.body])? == 1)
    }

    fn children(&mut self, table: Table, parent: &str) -> Result<Vec<String>, StoreError> {
        let sql = format!("SELECT body FROM {} WHERE parent = ?1 ORDER BY number", table.name());
        let mut statement = self.prepare_cached(&sql)?;
        let bodies = statement.query_map([parent], |row| row.get(0))?;
        Ok(bodies.collect::<Result<_, _>>()?)
    }

    fn every(&mut self, table: Table) -> Result<Vec<String>, StoreError> {
        let sql = format!("SELECT body FROM {} ORDER BY number", table.name());
        let mut statement = self.prepare_cached(&sql)?;
        let bodies = statement.query_map([], |row| row.get(0))?;
        Ok(bodies.collect::<Result<_, _>>()?)
    }

    fn delete(&mut self, table: Table, id: &str) -> Result<bool, StoreError> {
        let sql = format!("DELETE FROM {} WHERE id = ?1", table.name());
        Ok(self.prepare_cached(&sql)?.execute([id])? == 1)
    }

    fn sweep(&mut self, table: Table, now: Time) -> Result<(), StoreError> {
        let sql = format!("DELETE FROM {} WHERE expires_at <= ?1", table.name());
        self.prepare_cached(&sql)?.execute([now])?;
        Ok(())
    }
}
