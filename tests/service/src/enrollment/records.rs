//! Stores enrollments, and finds an enrollment by the id in its code.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::enrollment::state::Enrollment;
use crate::store::{Record, StoreError, Table, Tx};

/// An enrollment is kept for this long after it expires, so that a late phone learns how the enrollment ended.
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

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}

/// Maps the id in a typed code to the enrollment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TypedId {
    /// The id in the typed code: four characters.
    pub id: String,
    /// The enrollment's id.
    pub enrollment: String,
    /// When the enrollment expires.
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

/// Returns the enrollment whose scanned or typed code contains this id.
pub fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<Enrollment>, StoreError> {
    if let Some(enrollment) = tx.get(id)? {
        return Ok(Some(enrollment));
    }
    match tx.get::<TypedId>(id)? {
        Some(typed) => tx.get(&typed.enrollment),
        None => Ok(None),
    }
}
