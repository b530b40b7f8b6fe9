//! A session: a signed-in browser, how the person signed in, and the change that waits for approval.

use serde::{Deserialize, Serialize};

use crate::clock::{HOUR, Time};
use crate::openid::request::AuthorizationRequest;
use crate::prompts::ceremony::Kind;
use crate::sign_in::attempt::Secret;

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
    /// When a phone last approved something for this session.
    pub approved_at: Option<Time>,
    /// Id of the enrollment of this session's wizard.
    pub enrollment: Option<String>,
    /// Id of the current ceremony.
    pub ceremony: Option<String>,
    /// The change that waits for approval.
    pub change: Option<Change>,
    /// When adding a phone was approved, or when the session started with a pass. Set to `None` when the wizard has
    /// added a phone, or when another change was approved.
    pub may_add_at: Option<Time>,
    /// The authorization request of the application to which the person wants to continue.
    pub request: Option<AuthorizationRequest>,
}

impl Session {
    /// Creates a session.
    #[must_use]
    pub fn new(id: String, account_id: String, used: Used, now: Time) -> Self {
        Self {
            id,
            account_id,
            expires_at: now + SESSION_LIFE,
            authenticated_at: now,
            used,
            approved_at: used.has_phone().then_some(now),
            enrollment: None,
            ceremony: None,
            change: None,
            // A pass allows adding a phone without another approval.
            may_add_at: (used == Used::Pass).then_some(now),
            request: None,
        }
    }

    /// Records that a phone approved something for this session.
    pub fn approve(&mut self, now: Time) {
        self.used = match self.used {
            Used::Password | Used::PasswordAndPhone => Used::PasswordAndPhone,
            Used::Pass | Used::PassAndPhone => Used::PassAndPhone,
            Used::Phone => Used::Phone,
        };
        self.approved_at = Some(now);
    }
}

/// A change of the account, which needs an approval of its own kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Adding a method.
    AddMethod,
    /// Removing the device with this id.
    RemoveMethod(String),
    /// Reporting the device with this id lost.
    ReportLost(String),
    /// Creating a pass for oneself.
    CreatePass,
}

impl Change {
    /// Returns the kind of approval that the change needs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::AddMethod => Kind::AddMethod,
            Self::RemoveMethod(_) => Kind::RemoveMethod,
            Self::ReportLost(_) => Kind::ReportLost,
            Self::CreatePass => Kind::CreatePass,
        }
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

    /// Returns the secret that was typed, if any.
    #[must_use]
    pub fn secret(self) -> Option<Secret> {
        match self {
            Self::Password | Self::PasswordAndPhone => Some(Secret::Password),
            Self::Pass | Self::PassAndPhone => Some(Secret::Pass),
            Self::Phone => None,
        }
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
