//! What is stored of a pass. Its text is stored hashed.

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
        // Kept past its end: whoever holds it is told what is wrong with it.
        Some(self.ends_at + DAY)
    }
}
