//! Stores authorization codes and access tokens, both hashed.

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
        // An authorization code is kept for an hour after it expires, so that a second use is detected.
        Some(self.expires_at + crate::clock::HOUR)
    }

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}

/// An access token for the user-info endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    /// The hashed token.
    pub id: String,
    /// The session for which the token was issued.
    pub session: String,
    /// The hash of the authorization code that was redeemed for the token.
    pub code: String,
    /// The account that the token gives access to.
    pub account_id: String,
    /// When the token was issued.
    pub issued_at: Time,
    /// When the token expires.
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

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}
