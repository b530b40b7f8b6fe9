//! What is stored of an enrollment.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::enrollment::state::Enrollment;
use crate::store::{Record, StoreError, Table, Tx};

/// How it ended is remembered this long, to say so to a late phone.
const REMEMBERED: Time = DAY;

impl Record for Enrollment {
    const TABLE: Table = Table::Enrollments;

    fn id(&self) -> &str {
        &self.scanned.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at + REMEMBERED)
    }
}

/// Leads from a typed id to its enrollment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TypedId {
    /// Four characters.
    pub id: String,
    /// The enrollment.
    pub enrollment: String,
    /// When it ends.
    pub expires_at: Time,
}

impl Record for TypedId {
    const TABLE: Table = Table::TypedIds;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.enrollment
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

/// The enrollment that a phone names, by either of its codes.
pub fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<Enrollment>, StoreError> {
    if let Some(enrollment) = tx.get(id)? {
        return Ok(Some(enrollment));
    }
    match tx.get::<TypedId>(id)? {
        Some(typed) => tx.get(&typed.enrollment),
        None => Ok(None),
    }
}
