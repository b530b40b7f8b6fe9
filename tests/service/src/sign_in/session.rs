//! A session: a signed-in browser, how the person signed in, and the change that waits for approval.

use serde::{Deserialize, Serialize};

use crate::clock::{HOUR, Time};
use crate::openid::request::AuthorizationRequest;
use crate::provenance::Given;

const SESSION_LIFE: Time = 8 * HOUR;

/// A signed-in browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// SHA-256 of the session's cookie.
    pub id: String,
    /// The person's account.
    pub account_id: String,
    /// When the session expires.
    pub expires_at: Time,
    /// When the person signed in.
    pub authenticated_at: Time,
    /// How the person signed in.
    pub used: Used,
    /// What gave the session.
    pub given: Given,
    /// The last approval by a phone in this session, or the approval that gave it. `None` if no phone has approved.
    pub approved: Option<Given>,
    /// Id of the known browser that has the session. `None` if no phone has approved.
    #[serde(default)]
    pub browser: Option<String>,
    /// Id of the enrollment of this session's wizard.
    pub enrollment: Option<String>,
    /// Id of the current ceremony.
    pub ceremony: Option<String>,
    /// The authorization request of the application to which the person wants to continue.
    pub request: Option<AuthorizationRequest>,
}

impl Session {
    /// Creates a session.
    #[must_use]
    pub fn new(id: String, account_id: String, used: Used, given: Given) -> Self {
        let now = given.at;
        Self {
            id,
            account_id,
            expires_at: now + SESSION_LIFE,
            authenticated_at: now,
            used,
            approved: used.has_phone().then(|| given.clone()),
            given,
            browser: None,
            enrollment: None,
            ceremony: None,
            request: None,
        }
    }

    /// Records an approval for this session.
    pub fn approve(&mut self, approval: Given) {
        self.used = match self.used {
            Used::Password | Used::PasswordAndPhone => Used::PasswordAndPhone,
            Used::Pass | Used::PassAndPhone => Used::PassAndPhone,
            Used::Phone => Used::Phone,
        };
        self.approved = Some(approval);
    }
}

/// How a person has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Used {
    /// A password alone.
    Password,
    /// A password, then a number approved by the device key.
    PasswordAndPhone,
    /// A pass alone.
    Pass,
    /// A pass, then a number approved by the device key.
    PassAndPhone,
    /// A number approved by the sign-in key, with user verification.
    Phone,
}

impl Used {
    /// Returns whether a phone has approved.
    #[must_use]
    pub fn has_phone(self) -> bool {
        matches!(self, Self::PasswordAndPhone | Self::PassAndPhone | Self::Phone)
    }

    /// Returns the values of the claim `amr` (RFC 8176). A phone's key is `pop` and not `hwk`, because without
    /// attestation the service does not know whether the key is in hardware. User verification by fingerprint, face or
    /// PIN is `user`.
    #[must_use]
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::PasswordAndPhone => &["pwd", "pop", "mfa"],
            Self::Pass => &["otp"],
            Self::PassAndPhone => &["otp", "pop", "mfa"],
            Self::Phone => &["pop", "user", "mfa"],
        }
    }

    /// Returns the value of the claim `acr` (OpenID Connect Core section 2).
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Password | Self::Pass => "pwd",
            Self::PasswordAndPhone | Self::PassAndPhone => "mfa",
            Self::Phone => "phone",
        }
    }
}
