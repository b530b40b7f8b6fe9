//! The record of an account, as the database stores it.

use serde::{Deserialize, Serialize};

use crate::authenticator::network::metadata::Endpoints;
use crate::authenticator::records::speaker::Speaker;
use crate::base::clock::Timestamp;
use crate::base::jose::{PublicKey, base64url};
use crate::protocol::keys::ServiceKeys;
use crate::protocol::messages::Policy;
use crate::protocol::push_message::PushKeys;
use crate::protocol::verify::Audience;
use crate::values::account::{AccountHealth, AccountId, RemovalCause};
use crate::values::fatigue::Memory;
use crate::values::issuer::Issuer;
use crate::values::platform::KeyGuard;

/// The stored state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredState {
    /// The device is bound, but this phone does not know yet that the service has accepted the digits.
    Pending,
    /// The service accepts this device.
    Active,
    /// The service removed this device. The record stays until the person removes the account, or adds it again.
    Removed(RemovalCause),
}

/// An account, as the database stores it.
#[derive(Clone)]
pub(crate) struct AccountRecord {
    /// The account's id on this phone: random, unknown to the service.
    pub(crate) id: AccountId,
    pub(crate) issuer: Issuer,
    /// The account's id at the service (`sub` in a prompt).
    pub(crate) account_id: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    /// This device's id at the service (`kid` in a request, `aud` in a prompt).
    pub(crate) device_id: String,
    pub(crate) state: StoredState,
    /// The key store's name for the device key.
    pub(crate) key_alias: String,
    /// The public device key. The core verifies the signature of each answer by the device key with this public key,
    /// before it stores the answer.
    pub(crate) device_key: PublicKey,
    /// The relay's name for this account's pushes: 16 random bytes.
    pub(crate) slot: Vec<u8>,
    pub(crate) push_keys: PushKeys,
    pub(crate) endpoints: Endpoints,
    /// The newest service keys that this phone has accepted.
    pub(crate) service_keys: ServiceKeys,
    /// The service's clock minus this phone's, in seconds (protocol section 5).
    pub(crate) clock_offset: i64,
    pub(crate) added_at: Timestamp,
    /// Present while phone sign-in is on.
    pub(crate) sign_in: Option<SignInKey>,
    /// The policy from the last signed state that had one; `None` before the first such state.
    pub(crate) policy: Option<Policy>,
    /// The problem that keeps the account from working; `None` when there is no problem.
    pub(crate) trouble: Option<Trouble>,
    /// The fatigue guard's memory: recent alerts and denials, and the mute.
    pub(crate) memory: Memory,
}

/// The sign-in key of an account; each use requires user verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignInKey {
    /// The key store's name for the key.
    pub(crate) alias: String,
    pub(crate) key: PublicKey,
    pub(crate) guard: KeyGuard,
}

impl SignInKey {
    /// Returns the RFC 7638 thumbprint in base64url, by which the service names the key.
    pub(crate) fn thumbprint(&self) -> String {
        base64url::encode(&self.key.thumbprint())
    }
}

/// A problem that keeps an account from working. It is stored until a signed state or a new sign-in key shows that the
/// problem is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trouble {
    /// The platform invalidated the sign-in key because the biometrics or the device lock changed.
    SignInKeyInvalidated,
    /// The key store no longer has the sign-in key.
    SignInKeyLost,
    /// The key store no longer has the device key.
    DeviceKeyLost,
    /// The last signed state has the status `suspended`.
    Suspended,
    /// The last signed state has the status `limited`.
    Limited,
    /// The service's key chain does not continue the keys that this phone has stored.
    IdentityChanged,
    /// The service no longer supports this protocol version.
    UpdateNeeded,
}

impl AccountRecord {
    pub(crate) fn is_pending(&self) -> bool {
        self.state == StoredState::Pending
    }

    pub(crate) fn is_removed(&self) -> bool {
        matches!(self.state, StoredState::Removed(_))
    }

    /// Returns the data that verifies prompts and pushes for this account: addressee, service keys and clock offset.
    pub(crate) fn audience(&self) -> Audience {
        Audience {
            account: self.id.clone(),
            issuer: self.issuer.clone(),
            device_id: self.device_id.clone(),
            account_id: self.account_id.clone(),
            user_name: self.user_name.clone(),
            service_keys: self.service_keys.clone(),
            clock_offset: self.clock_offset,
        }
    }

    /// Returns the data that is needed to send this account's requests.
    pub(crate) fn speaker(&self) -> Speaker {
        Speaker {
            account: self.id.clone(),
            issuer: self.issuer.clone(),
            device_id: self.device_id.clone(),
            key_alias: self.key_alias.clone(),
            keys_endpoint: self.endpoints.keys.clone(),
            service_keys: self.service_keys.clone(),
            clock_offset: self.clock_offset,
        }
    }
}

impl Trouble {
    /// Returns the account health that screens show for this trouble.
    pub(crate) fn health(self) -> AccountHealth {
        match self {
            Self::SignInKeyInvalidated => AccountHealth::SignInKeyInvalidated,
            Self::SignInKeyLost => AccountHealth::SignInKeyLost,
            Self::DeviceKeyLost => AccountHealth::DeviceKeyLost,
            Self::Suspended => AccountHealth::Suspended,
            Self::Limited => AccountHealth::LimitedByPolicy,
            Self::IdentityChanged => AccountHealth::IdentityChanged,
            Self::UpdateNeeded => AccountHealth::UpdateNeeded,
        }
    }
}

/// Returns the key store's name for an account's device key. The name depends only on the account's id, so a key that
/// was made just before a crash is found again.
pub(crate) fn device_key_alias(account: &AccountId) -> String {
    format!("countersign-device-{}", account.0)
}
