//! A pass. Its text is stored hashed.

use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// A pass.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pass {
    /// Account and text, hashed.
    pub id: String,
    /// Whose.
    pub account_id: String,
    /// From when on it counts.
    pub starts_at: Time,
    /// Until when.
    pub ends_at: Time,
    /// When it was used.
    pub used_at: Option<Time>,
}
