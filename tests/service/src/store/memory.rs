//! The back end that keeps all rows in memory, for tests and demonstrations.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::backend::{Backend, Durability, Row, Rows, StoreError, Table, Work};
use crate::clock::Time;

#[derive(Clone, Default)]
struct Content {
    rows: BTreeMap<(Table, String), (u64, Row)>,
    written: u64,
}

impl Content {
    fn bodies(&self, chosen: impl Fn(Table, &Row) -> bool) -> Vec<String> {
        let mut found: Vec<_> = self.rows.iter().filter(|((table, _), (_, row))| chosen(*table, row)).collect();
        found.sort_by_key(|(_, (order, _))| *order);
        found.into_iter().map(|(_, (_, row))| row.body.clone()).collect()
    }
}

#[derive(Default)]
pub(super) struct Memory(Mutex<Content>);

impl Backend for Memory {
    fn transact(&self, _durability: Durability, work: &mut Work<'_>) -> Result<(), StoreError> {
        // The work changes a copy, so a panic or an error leaves the content unchanged.
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // All work runs twice, so that work that can't run again fails in tests.
        work(&mut content.clone())?;
        let mut copy = content.clone();
        work(&mut copy)?;
        *content = copy;
        Ok(())
    }
}

impl Rows for Content {
    fn get(&mut self, table: Table, id: &str) -> Result<Option<String>, StoreError> {
        Ok(self.rows.get(&(table, id.to_owned())).map(|(_, row)| row.body.clone()))
    }

    fn update(&mut self, table: Table, row: Row) -> Result<bool, StoreError> {
        match self.rows.get_mut(&(table, row.id.clone())) {
            Some((_, stored)) => {
                *stored = row;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn insert(&mut self, table: Table, row: Row) -> Result<bool, StoreError> {
        let key = (table, row.id.clone());
        if self.rows.contains_key(&key) {
            return Ok(false);
        }
        self.written = self.written.saturating_add(1);
        self.rows.insert(key, (self.written, row));
        Ok(true)
    }

    fn children(&mut self, table: Table, parent: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.bodies(|in_table, row| in_table == table && row.parent == parent))
    }

    fn every(&mut self, table: Table) -> Result<Vec<String>, StoreError> {
        Ok(self.bodies(|in_table, _row| in_table == table))
    }

    fn delete(&mut self, table: Table, id: &str) -> Result<bool, StoreError> {
        Ok(self.rows.remove(&(table, id.to_owned())).is_some())
    }

    fn sweep(&mut self, table: Table, now: Time) -> Result<(), StoreError> {
        self.rows.retain(|(in_table, _), (_, row)| *in_table != table || row.expires_at.is_none_or(|end| end > now));
        Ok(())
    }
}
