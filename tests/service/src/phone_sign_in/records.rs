//! What is stored while a device is registered, and of every sign-in key there ever was. Bearer values are
//! stored hashed.

use serde::{Deserialize, Serialize};

use crate::clock::{HOUR, Time};
use crate::store::{Record, Table};

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

impl Record for Registration {
    const TABLE: Table = Table::Registrations;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        self.account_id.as_deref().unwrap_or_default()
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
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

impl Record for RegistrationCode {
    const TABLE: Table = Table::RegistrationCodes;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        self.registration.parent()
    }

    fn expires_at(&self) -> Option<Time> {
        // Kept past its end, so that a replay is recognized.
        Some(self.expires_at + HOUR)
    }
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

impl Record for RegistrationToken {
    const TABLE: Table = Table::RegistrationTokens;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        // Kept past its end: a phone whose answer was lost asks again.
        Some(self.expires_at + 24 * HOUR)
    }
}

/// A token that adds one phone to an account, once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PhoneToken {
    /// Hashed.
    pub id: String,
    /// Whose account.
    pub account_id: String,
    /// Thumbprint of the device key that it is bound to.
    pub jkt: String,
    /// When it ends.
    pub expires_at: Time,
    /// The device that it added: the same phone asking again is told the same.
    pub added: Option<String>,
    /// Which document of the service's keys was given with it.
    #[serde(default = "crate::enrollment::records::the_first")]
    pub keys_document: usize,
}

impl Record for PhoneToken {
    const TABLE: Table = Table::PhoneTokens;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        // Kept past its end: a phone whose answer was lost asks again.
        Some(self.expires_at + 24 * HOUR)
    }
}

/// A sign-in key that was registered once; never again, by anybody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UsedKey {
    /// Its thumbprint.
    pub thumbprint: String,
    /// For which device.
    pub device_id: String,
    /// When.
    pub at: Time,
}

impl Record for UsedKey {
    const TABLE: Table = Table::UsedKeys;

    fn id(&self) -> &str {
        &self.thumbprint
    }

    fn parent(&self) -> &str {
        &self.device_id
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }
}
