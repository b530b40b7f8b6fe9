//! An application's authorization request, and the authorization code that is issued for it.

use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// An application's authorization request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The client id.
    pub client_id: String,
    /// The application's name, shown to people.
    pub application: String,
    /// The return address, exactly as registered.
    pub redirect_uri: String,
    /// The application's `state`, returned unchanged.
    pub state: Option<String>,
    /// The application's `nonce`, copied into the ID token.
    pub nonce: Option<String>,
    /// The PKCE challenge, method S256.
    pub code_challenge: String,
}

/// An authorization code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Code {
    /// The hashed authorization code.
    pub id: String,
    /// The request for which the authorization code was issued.
    pub request: AuthorizationRequest,
    /// The account.
    pub account_id: String,
    /// The session for which the authorization code was issued.
    pub session: String,
    /// When the authorization code was issued.
    pub issued_at: Time,
    /// When the authorization code expires.
    pub expires_at: Time,
    /// Whether the authorization code was redeemed.
    pub used: bool,
}
