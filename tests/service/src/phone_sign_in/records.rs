//! Stored records: registrations in progress with their authorization codes and tokens, and the thumbprint of every
//! sign-in key that was ever registered. Authorization codes and tokens are stored only as hashes.

use serde::{Deserialize, Serialize};

use crate::clock::{HOUR, Time};
use crate::phone_sign_in::registration::{Registration, RegistrationCode, RegistrationToken};
use crate::provenance::Given;
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

    fn account(&self) -> Option<&str> {
        self.account_id.as_deref()
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
        // The record is kept for an hour after the authorization code expired, so that the service recognizes a second
        // use.
        Some(self.expires_at + HOUR)
    }

    fn account(&self) -> Option<&str> {
        self.registration.account_id.as_deref()
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
        // The record is kept for a day after the token expired, because a phone that did not receive the response sends
        // the request again.
        Some(self.expires_at + 24 * HOUR)
    }

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}

/// A token that adds one phone to an account, once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PhoneToken {
    /// SHA-256 of the token.
    pub id: String,
    /// The account that the phone is added to.
    pub account_id: String,
    /// Thumbprint of the device key that the token is bound to.
    pub jkt: String,
    /// When the token expires.
    pub expires_at: Time,
    /// Id of the device that was added with the token. `None` until then. If the phone repeats its request, it gets the
    /// same device id.
    pub added: Option<String>,
    /// The approval, the pass or the password that gave the token. It must still allow adding a phone when the token is
    /// used.
    pub given: Given,
    /// Number of the key document that was sent together with the token. Numbers start at 1.
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
        // The record is kept for a day after the token expired, because a phone that did not receive the response sends
        // the request again.
        Some(self.expires_at + 24 * HOUR)
    }

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}

/// A sign-in key that was registered. No device can register it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UsedKey {
    /// The key's thumbprint.
    pub thumbprint: String,
    /// The device that registered it.
    pub device_id: String,
    /// When it was registered.
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
