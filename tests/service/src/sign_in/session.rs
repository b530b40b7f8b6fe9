//! A signed-in browser, what it signed in with, and the change that it waits to have approved.

use serde::{Deserialize, Serialize};

use crate::clock::{HOUR, Time};
use crate::openid::request::AuthorizationRequest;
use crate::prompts::ceremony::Kind;
use crate::sign_in::attempt::Secret;

const SESSION_LIFE: Time = 8 * HOUR;

/// A signed-in browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Its cookie, hashed.
    pub id: String,
    /// Whose.
    pub account_id: String,
    /// When it ends.
    pub expires_at: Time,
    /// When the person proved who they are.
    pub authenticated_at: Time,
    /// What was really used.
    pub used: Used,
    /// When a number was last approved for it.
    pub approved_at: Option<Time>,
    /// The wizard that is open.
    pub enrollment: Option<String>,
    /// The ceremony that waits.
    pub ceremony: Option<String>,
    /// The change that it waits to have approved.
    pub change: Option<Change>,
    /// When adding a method was approved; good for one wizard.
    pub may_add_at: Option<Time>,
    /// Which application is waiting.
    pub request: Option<AuthorizationRequest>,
}

impl Session {
    /// A fresh one.
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
            // A pass is made for adding a phone: nobody else needs to be asked.
            may_add_at: (used == Used::Pass).then_some(now),
            request: None,
        }
    }

    /// The same session, after a number was approved for it.
    #[must_use]
    pub fn approved(self, now: Time) -> Self {
        let used = match self.used {
            Used::Password | Used::PasswordAndPhone => Used::PasswordAndPhone,
            Used::Pass | Used::PassAndPhone => Used::PassAndPhone,
            Used::Phone => Used::Phone,
        };
        Self { used, approved_at: Some(now), ..self }
    }
}

/// A change of the account that needs an approval of its own kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Adding a method.
    AddMethod,
    /// Removing this device.
    RemoveMethod(String),
    /// This device is lost.
    ReportLost(String),
    /// Making a pass for oneself.
    CreatePass,
}

impl Change {
    /// The kind of approval it needs.
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

/// What a person has really used to sign in.
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
    /// A number approved by the sign-in key, which asked the person.
    Phone,
}

impl Used {
    /// Whether a phone has approved.
    #[must_use]
    pub fn has_phone(self) -> bool {
        matches!(self, Self::PasswordAndPhone | Self::PassAndPhone | Self::Phone)
    }

    /// What was typed, where something was.
    #[must_use]
    pub fn secret(self) -> Option<Secret> {
        match self {
            Self::Password | Self::PasswordAndPhone => Some(Secret::Password),
            Self::Pass | Self::PassAndPhone => Some(Secret::Pass),
            Self::Phone => None,
        }
    }

    /// `amr` (RFC 8176). Without attestation a key is `pop`, never `hwk`; finger, face and PIN are not told apart.
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

    /// `acr` (OpenID Connect Core section 2).
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Password | Self::Pass => "pwd",
            Self::PasswordAndPhone | Self::PassAndPhone => "mfa",
            Self::Phone => "phone",
        }
    }
}
