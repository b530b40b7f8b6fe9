//! What an application asked for, and the authorization code that answers it.

use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// What an application asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Which application.
    pub client_id: String,
    /// Its name, as people know it.
    pub application: String,
    /// Where the answer goes: exactly as registered.
    pub redirect_uri: String,
    /// The application's own.
    pub state: Option<String>,
    /// The application's own, goes into the ID token.
    pub nonce: Option<String>,
    /// PKCE, S256.
    pub code_challenge: String,
}

/// An authorization code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Code {
    /// Hashed.
    pub id: String,
    /// What it answers.
    pub request: AuthorizationRequest,
    /// Whose.
    pub account_id: String,
    /// From which session.
    pub session: String,
    /// When it ends.
    pub expires_at: Time,
    /// Used once already.
    pub used: bool,
}
