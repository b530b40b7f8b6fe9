//! Stores passes.

use crate::clock::{DAY, Time};
use crate::passes::pass::Pass;
use crate::store::{Record, Table};

impl Record for Pass {
    const TABLE: Table = Table::Passes;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        // A pass is kept for a day after it expires, so that a person who types it too late learns the reason.
        Some(self.ends_at + DAY)
    }

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}
