//! What is stored while a device is registered, and of every sign-in key there ever was. Bearer values are
//! stored hashed.

use serde::{Deserialize, Serialize};

use crate::clock::{HOUR, Time};
use crate::phone_sign_in::registration::{Registration, RegistrationCode, RegistrationToken};
use crate::store::{Record, Table};

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
    #[serde(default = "crate::enrollment::state::first_document")]
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
