//! The audit log: every decision, written in the transaction that makes it. No secrets, no numbers.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::secrets::random_id;
use crate::store::{Record, StoreError, Table, Tx};

/// A decision that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    id: String,
    /// Whose account it was about.
    pub account_id: String,
    /// When.
    pub at: Time,
    /// What was decided.
    pub what: String,
    /// Which device, ceremony or enrollment it was about.
    pub about: String,
}

impl Record for Entry {
    const TABLE: Table = Table::Audit;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }
}

/// Writes an entry.
pub fn record(tx: &mut Tx<'_>, account_id: &str, what: &str, about: &str, now: Time) -> Result<(), StoreError> {
    let id = random_id()?;
    tracing::info!(what, "decided");
    tx.put(&Entry { id, account_id: account_id.to_owned(), at: now, what: what.to_owned(), about: about.to_owned() })
}
