//! What is stored of authorizations. Codes and tokens are stored hashed.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::openid::request::Code;
use crate::store::{Record, Table};

impl Record for Code {
    const TABLE: Table = Table::Codes;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.session
    }

    fn expires_at(&self) -> Option<Time> {
        // Kept past its end, so that a replay is recognized.
        Some(self.expires_at + crate::clock::HOUR)
    }
}

/// An access token, good for the user-info endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    /// Hashed.
    pub id: String,
    /// From which session.
    pub session: String,
    /// From which code.
    pub code: String,
    /// Whose.
    pub account_id: String,
    /// When it ends.
    pub expires_at: Time,
}

impl Record for Token {
    const TABLE: Table = Table::Tokens;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.session
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}
