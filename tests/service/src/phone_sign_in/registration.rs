//! What a phone sends its person to the browser for, and the code and token that answer it. Bearer values are stored
//! hashed.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::devices::device::Device;

/// What a phone pushed before it opened the browser (RFC 9126): complete, checked, and proved by its device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The request's name, hashed.
    pub id: String,
    /// Where the browser goes back to.
    pub redirect_uri: String,
    /// The phone's own.
    pub state: String,
    /// PKCE, S256.
    pub code_challenge: String,
    /// What for.
    pub purpose: Purpose,
    /// Whose phone it is; of a phone that is to be added: whoever has agreed to it.
    pub account_id: Option<String>,
    /// When the request ends.
    pub expires_at: Time,
}

/// What the phone sends the person to the browser for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To turn phone sign-in on for this device.
    TurnOn {
        /// Which.
        device_id: String,
    },
    /// To add the phone to an account.
    AddPhone(NewPhone),
}

impl Purpose {
    /// What the person is signing in to.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::TurnOn { .. } => "phone sign-in on your phone",
            Self::AddPhone(_) => "Countersign on your phone",
        }
    }

    /// What it is about, in the audit log.
    #[must_use]
    pub fn about(&self) -> &str {
        match self {
            Self::TurnOn { device_id } => device_id,
            Self::AddPhone(phone) => &phone.jkt,
        }
    }
}

/// A phone that no account knows yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPhone {
    /// Thumbprint of its device key.
    pub jkt: String,
    /// The person's name for it.
    pub name: String,
    /// Model.
    pub model: String,
    /// The six digits that it shows, hashed with the request.
    pub digits: String,
    /// How often other digits were typed.
    pub wrong_digits: u32,
}

/// A code for the phone to redeem.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistrationCode {
    /// Hashed.
    pub id: String,
    /// What it answers.
    pub registration: Registration,
    /// When it ends.
    pub expires_at: Time,
    /// The token it was redeemed for, hashed.
    pub token: Option<String>,
}

/// A token that registers one sign-in key, once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistrationToken {
    /// Hashed.
    pub id: String,
    /// For which device.
    pub device_id: String,
    /// Whose it is.
    pub account_id: String,
    /// What the new key must sign, hashed.
    pub nonce: String,
    /// Until when.
    pub nonce_expires_at: Time,
    /// When the token ends.
    pub expires_at: Time,
    /// SHA-256 of the proof that spent it, so that the same proof gets the same answer.
    pub spent_by: Option<String>,
}

impl RegistrationToken {
    /// Whether it was given to this device.
    #[must_use]
    pub fn is_of(&self, device: &Device) -> bool {
        self.device_id == device.id && self.account_id == device.account_id
    }
}
