//! The audit log of decisions. An entry is written in the transaction that makes the decision. Entries contain no
//! secrets and no numbers of number matching.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::secrets::random_id;
use crate::store::{Record, StoreError, Table, Tx};

/// One decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    id: String,
    /// The account that the decision concerns; empty if the decision concerns no account.
    pub account_id: String,
    /// The time of the decision.
    pub at: Time,
    /// The decision, as a stable name such as `device_removed`.
    pub what: String,
    /// The id of the record that the decision is about, such as a device, a ceremony, a key, a group or an
    /// administrator; may be empty.
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

/// Writes one entry, and logs the decision when the transaction is committed.
pub fn record(tx: &mut Tx<'_>, account_id: &str, what: &'static str, about: &str, now: Time) -> Result<(), StoreError> {
    let id = random_id()?;
    tx.after_commit(move || tracing::info!(what, "decided"));
    tx.insert(&Entry { id, account_id: account_id.to_owned(), at: now, what: what.to_owned(), about: about.to_owned() })
}
