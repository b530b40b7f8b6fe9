//! The service's database as a part of a model's state: the very rows that its transactions read and write.
//!
//! What only people read later (audit, notices) and what only makes a request count once (request ids) is not kept:
//! it decides nothing here, and without request ids every delivery counts as a fresh request, which is the stronger
//! attacker. Rows are listed by name instead of by age, so that two orders of the same events are one state.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_service::clock::Time;
use countersign_service::store::{self, Record, Row, StoreError, Table, Tx};

/// Everything the service has stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Rows(BTreeMap<(&'static str, String), Kept>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kept {
    parent: String,
    expires_at: Option<Time>,
    body: Arc<str>,
}

impl Rows {
    /// Runs one of the service's own transactions; one that fails is a fault of the model.
    pub fn run<T>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>) -> T {
        work(&mut Tx::over(self)).expect("a transaction of the service failed")
    }

    /// A record that must be there.
    #[must_use]
    pub fn one<R: Record>(&self, id: &str) -> R {
        self.maybe(id).expect("a record that the model relies on is gone")
    }

    /// A record, if it is there.
    #[must_use]
    pub fn maybe<R: Record>(&self, id: &str) -> Option<R> {
        let kept = self.0.get(&(R::TABLE.name(), id.to_owned()))?;
        Some(serde_json::from_str(&kept.body).expect("a record of the service"))
    }

    /// Every record of a kind.
    #[must_use]
    pub fn all<R: Record>(&self) -> Vec<R> {
        let bodies = self.0.iter().filter(|((table, _), _)| *table == R::TABLE.name()).map(|(_, kept)| &kept.body);
        bodies.map(|body| serde_json::from_str(body).expect("a record of the service")).collect()
    }

    /// Gives a name to what was named by chance, wherever it stands: two states that differ only by chance are one.
    pub fn rename(&mut self, by_chance: &str, name: &str) {
        let renamed = |text: &str| text.replace(by_chance, name);
        let concerned = |id: &str, kept: &Kept| {
            id.contains(by_chance) || kept.parent.contains(by_chance) || kept.body.contains(by_chance)
        };
        let found: Vec<_> = self.0.extract_if(.., |(_, id), kept| concerned(id, kept)).collect();
        for ((table, id), kept) in found {
            let kept = Kept { parent: renamed(&kept.parent), body: renamed(&kept.body).into(), ..kept };
            self.0.insert((table, renamed(&id)), kept);
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

    fn put(&mut self, table: Table, row: Row) -> Result<(), StoreError> {
        if is_kept(table) {
            let kept = Kept { parent: row.parent, expires_at: row.expires_at, body: row.body.into() };
            self.0.insert((table.name(), row.id), kept);
        }
        Ok(())
    }

    fn insert(&mut self, table: Table, row: Row) -> Result<bool, StoreError> {
        let new = !self.0.contains_key(&(table.name(), row.id.clone()));
        if new {
            self.put(table, row)?;
        }
        Ok(new)
    }

    fn children(&mut self, table: Table, parent: &str) -> Result<Vec<String>, StoreError> {
        let of_parent = self.0.iter().filter(|((of, _), kept)| *of == table.name() && kept.parent == parent);
        Ok(of_parent.map(|(_, kept)| kept.body.to_string()).collect())
    }

    fn delete(&mut self, table: Table, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.remove(&(table.name(), id.to_owned())).is_some())
    }

    fn sweep(&mut self, table: Table, now: Time) -> Result<(), StoreError> {
        self.0.retain(|(of, _), kept| *of != table.name() || kept.expires_at.is_none_or(|end| end > now));
        Ok(())
    }
}
