//! What is stored of a ceremony and of its prompts.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::prompts::ceremony::{AnswerResult, AnsweringKey, Ceremony};
use crate::store::{Record, Table};

/// Histories are judged over a day, and a report counts that long.
const REMEMBERED: Time = 2 * DAY;

impl Record for Ceremony {
    const TABLE: Table = Table::Ceremonies;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at + REMEMBERED)
    }
}

/// One device's prompt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Prompt {
    /// Its own id.
    pub jti: String,
    /// The ceremony.
    pub ceremony: String,
    /// The device.
    pub device_id: String,
    /// The signed bytes, pushed and fetched alike.
    pub jws: String,
    /// Which key must sign an approval.
    pub answered_with: AnsweringKey,
    /// Thumbprint of that key when the prompt was made.
    pub key: String,
    /// When it was made.
    pub created_at: Time,
    /// SHA-256 of the inner answer that was taken, and what it was told.
    pub answer: Option<(String, AnswerResult)>,
}

impl Record for Prompt {
    const TABLE: Table = Table::Prompts;

    fn id(&self) -> &str {
        &self.jti
    }

    fn parent(&self) -> &str {
        &self.ceremony
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.created_at + REMEMBERED)
    }
}

/// A request that took effect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestId {
    /// Device and `jti`.
    pub id: String,
    /// When it may be forgotten.
    pub expires_at: Time,
}

impl Record for RequestId {
    const TABLE: Table = Table::RequestIds;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        ""
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}
