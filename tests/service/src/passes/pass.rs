//! A temporary access pass.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::provenance::Given;

/// A pass. Its text is stored hashed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pass {
    /// The hash of the account id and the text of the pass.
    pub id: String,
    /// The account that the pass is for.
    pub account_id: String,
    /// When the pass becomes valid.
    pub starts_at: Time,
    /// When the pass expires.
    pub ends_at: Time,
    /// When the pass was typed. `None` if the pass is unused.
    pub used_at: Option<Time>,
    /// When a phone was added with the pass. A pass adds one phone.
    pub spent_at: Option<Time>,
    /// What gave the pass.
    pub given: Given,
}
