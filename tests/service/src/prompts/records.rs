//! Stored records: ceremonies, their prompts, and the ids of processed requests.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::prompts::ceremony::{AnswerResult, AnsweringKey, Ceremony};
use crate::prompts::change::Change;
use crate::store::{Record, Table};

/// A ceremony is kept for this long after it expires, and a prompt for this long after its creation. This is one day
/// longer than needed: the rules read the ceremonies of the last day, and a report is accepted for one day.
const REMEMBERED: Time = 2 * DAY;

/// The ceremony of an administrative act is kept for this long, so that a lost phone's acts are found when the loss is
/// reported late. This is as long as a tombstone of a device.
const REMEMBERED_ACT: Time = 400 * DAY;

impl Record for Ceremony {
    const TABLE: Table = Table::Ceremonies;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        let is_administrative = matches!(self.change, Some(Change::Administer(_)));
        Some(self.expires_at + if is_administrative { REMEMBERED_ACT } else { REMEMBERED })
    }

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}

/// The prompt of one ceremony for one device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Prompt {
    /// The prompt's id.
    pub jti: String,
    /// Id of the ceremony.
    pub ceremony: String,
    /// Id of the device.
    pub device_id: String,
    /// The signed prompt, the same for push and fetch.
    pub jws: String,
    /// Which key must sign an approval.
    pub answered_with: AnsweringKey,
    /// Thumbprint of the key that must sign an approval. If the device gets a new key later, this thumbprint stays.
    pub key: String,
    /// When the prompt was created.
    pub created_at: Time,
    /// SHA-256 of the first valid answer's JWS, and the result of this answer. `None` until the first valid answer.
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

/// The id of a signed request that was processed. A repeated request has no effect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestId {
    /// For a request: device id and `jti`. For a DPoP proof: `dpop`, key thumbprint and `jti`.
    pub id: String,
    /// When the id may be deleted.
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
