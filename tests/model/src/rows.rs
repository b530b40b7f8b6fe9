//! Implements the service's database as a part of a model's state. This database is a map of the rows that the
//! service's transactions read and write.
//!
//! Audit entries, notices and request ids are not stored, because no decision in the models depends on them. Without
//! request ids, every delivery of a request counts as a new request, which makes the attacker stronger. Rows are listed
//! by name instead of by age, so that different orders of the same events can give the same state.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_service::clock::Time;
use countersign_service::store::{self, Record, Row, Scope, StoreError, Table, Tx};

/// All rows of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Rows(BTreeMap<(&'static str, String), Kept>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kept {
    parent: String,
    expires_at: Option<Time>,
    body: Arc<str>,
}

impl Rows {
    /// Runs one of the service's transactions. Panics when the transaction fails, because the failure is an error
    /// of the model.
    pub fn run<T>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>) -> T {
        work(&mut Tx::over(self, &Scope::Global)).expect("a transaction of the service failed")
    }

    /// Returns a record that must exist. Panics when the record does not exist.
    #[must_use]
    pub fn one<R: Record>(&self, id: &str) -> R {
        self.maybe(id).expect("a record that the model needs is missing")
    }

    /// Returns a record, or `None` if the record does not exist.
    #[must_use]
    pub fn maybe<R: Record>(&self, id: &str) -> Option<R> {
        let kept = self.0.get(&(R::TABLE.name(), id.to_owned()))?;
        Some(serde_json::from_str(&kept.body).expect("a stored record can't be read"))
    }

    /// Returns all records of one type.
    #[must_use]
    pub fn all<R: Record>(&self) -> Vec<R> {
        let bodies = self.0.iter().filter(|((table, _), _)| *table == R::TABLE.name()).map(|(_, kept)| &kept.body);
        bodies.map(|body| serde_json::from_str(body).expect("a stored record can't be read")).collect()
    }

    /// Replaces a random id by a fixed name everywhere, so that states that differ only in random ids are equal.
    pub fn rename(&mut self, random_id: &str, name: &str) {
        let renamed = |text: &str| text.replace(random_id, name);
        let concerned = |id: &str, kept: &Kept| {
            id.contains(random_id) || kept.parent.contains(random_id) || kept.body.contains(random_id)
        };
        let found: Vec<_> = self.0.extract_if(.., |(_, id), kept| concerned(id, kept)).collect();
        for ((table, id), kept) in found {
            let kept = Kept { parent: renamed(&kept.parent), body: renamed(&kept.body).into(), ..kept };
            self.0.insert((table, renamed(&id)), kept);
        }
    }
}

impl Rows {
    fn keep(&mut self, table: Table, row: Row) {
        if is_kept(table) {
            let kept = Kept { parent: row.parent, expires_at: row.expires_at, body: row.body.into() };
            self.0.insert((table.name(), row.id), kept);
        }
    }
}

fn is_kept(table: Table) -> bool {
    !matches!(table, Table::Audit | Table::Notices | Table::RequestIds)
}

impl store::Rows for Rows {
    fn get(&mut self, table: Table, id: &str) -> Result<Option<String>, StoreError> {
        Ok(self.0.get(&(table.name(), id.to_owned())).map(|kept| kept.body.to_string()))
    }

    fn update(&mut self, table: Table, row: Row) -> Result<bool, StoreError> {
        let there = self.0.contains_key(&(table.name(), row.id.clone()));
        if there {
            self.keep(table, row);
        }
        Ok(there)
    }

    fn insert(&mut self, table: Table, row: Row) -> Result<bool, StoreError> {
        let new = !self.0.contains_key(&(table.name(), row.id.clone()));
        if new {
            self.keep(table, row);
        }
        Ok(new)
    }

    fn children(&mut self, table: Table, parent: &str) -> Result<Vec<String>, StoreError> {
        let of_parent = self.0.iter().filter(|((of, _), kept)| *of == table.name() && kept.parent == parent);
        Ok(of_parent.map(|(_, kept)| kept.body.to_string()).collect())
    }

    fn every(&mut self, table: Table) -> Result<Vec<String>, StoreError> {
        let of_table = self.0.iter().filter(|((of, _), _)| *of == table.name());
        Ok(of_table.map(|(_, kept)| kept.body.to_string()).collect())
    }

    fn delete(&mut self, table: Table, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.remove(&(table.name(), id.to_owned())).is_some())
    }

    fn sweep(&mut self, table: Table, now: Time) -> Result<(), StoreError> {
        self.0.retain(|(of, _), kept| *of != table.name() || kept.expires_at.is_none_or(|end| end > now));
        Ok(())
    }
}
