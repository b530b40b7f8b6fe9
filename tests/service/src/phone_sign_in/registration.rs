//! A registration: the pushed authorization request that a phone sends before it opens the browser, and the
//! authorization code and the token that the phone gets for this request. The authorization code and the token are
//! stored only as hashes.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::devices::device::Device;
use crate::provenance::Given;

/// A pushed authorization request (RFC 9126) with valid fields. It came with a DPoP proof by the phone's device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// SHA-256 of the `request_uri`'s random part.
    pub id: String,
    /// The redirect URI: where the browser returns to.
    pub redirect_uri: String,
    /// The phone's `state`, returned to the phone unchanged.
    pub state: String,
    /// PKCE challenge, S256.
    pub code_challenge: String,
    /// Purpose of the request.
    pub purpose: Purpose,
    /// The account of the device. For a new phone, the account of the person who agreed, or `None` until a person has
    /// agreed.
    pub account_id: Option<String>,
    /// When the request expires.
    pub expires_at: Time,
    /// The device key that signed the request.
    pub given: Given,
}

/// Why the phone sends the person to the browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To turn phone sign-in on for this device.
    TurnOn {
        /// Id of the device.
        device_id: String,
    },
    /// To add the phone to an account.
    AddPhone(NewPhone),
}

impl Purpose {
    /// Returns the text for "to continue to …" on the sign-in page.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::TurnOn { .. } => "phone sign-in on your phone",
            Self::AddPhone(_) => "Countersign on your phone",
        }
    }

    /// Returns the id of the device on which phone sign-in is to be turned on.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::TurnOn { device_id } => Some(device_id),
            Self::AddPhone(_) => None,
        }
    }

    /// Returns the id for the audit log: the device id, or the thumbprint of the new phone's key.
    #[must_use]
    pub fn about(&self) -> &str {
        match self {
            Self::TurnOn { device_id } => device_id,
            Self::AddPhone(phone) => &phone.jkt,
        }
    }
}

/// A new phone that the person wants to add to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPhone {
    /// Thumbprint of the phone's device key.
    pub jkt: String,
    /// The name that the person gave the phone.
    pub name: String,
    /// Model of the phone.
    pub model: String,
    /// The six digits that the phone shows, hashed together with the id of the registration.
    pub digits: String,
    /// How often wrong digits were typed.
    pub wrong_digits: u32,
}

/// An authorization code that the phone redeems.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistrationCode {
    /// SHA-256 of the authorization code.
    pub id: String,
    /// The registration for which the authorization code was issued.
    pub registration: Registration,
    /// When the authorization code expires.
    pub expires_at: Time,
    /// SHA-256 of the token for which the authorization code was redeemed. `None` until then.
    pub token: Option<String>,
    /// The approval, the pass or the password with which the person agreed.
    pub given: Given,
}

/// A token that registers one sign-in key, once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistrationToken {
    /// SHA-256 of the token.
    pub id: String,
    /// The device to which the token was issued.
    pub device_id: String,
    /// The account of that device.
    pub account_id: String,
    /// SHA-256 of the nonce that the new key must sign.
    pub nonce: String,
    /// When the nonce expires.
    pub nonce_expires_at: Time,
    /// When the token expires.
    pub expires_at: Time,
    /// SHA-256 of the proof with which the sign-in key was registered. `None` until then. If the phone sends the same
    /// proof again, it gets the same result.
    pub spent_by: Option<String>,
    /// The approval, the pass or the password that gave the token.
    pub given: Given,
}

impl RegistrationToken {
    /// Returns whether the token was issued to this device.
    #[must_use]
    pub fn is_of(&self, device: &Device) -> bool {
        self.device_id == device.id && self.account_id == device.account_id
    }
}
