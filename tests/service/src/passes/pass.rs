//! A temporary access pass.

use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// A pass. Its text is stored hashed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pass {
    /// The hash of account id and text.
    pub id: String,
    /// The account that the pass is for.
    pub account_id: String,
    /// When the pass becomes valid.
    pub starts_at: Time,
    /// When it expires.
    pub ends_at: Time,
    /// When it was used; `None` while unused.
    pub used_at: Option<Time>,
}
