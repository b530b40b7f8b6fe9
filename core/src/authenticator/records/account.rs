//! An account as the store keeps it.

use serde::{Deserialize, Serialize};

use crate::authenticator::network::metadata::Endpoints;
use crate::authenticator::records::speaker::Speaker;
use crate::base::clock::Timestamp;
use crate::base::jose::{PublicKey, base64url};
use crate::inbox::InboxRecipient;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::messages::Policy;
use crate::protocol::push_message::PushKeys;
use crate::protocol::verify::Audience;
use crate::values::account::{Account, AccountHealth, AccountId, PhoneSignIn, RemovalCause};
use crate::values::fatigue::Memory;
use crate::values::issuer::Issuer;
use crate::values::platform::{KeyGuard, LockState};

/// Where an account stands in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredState {
    Pending,
    Active,
    Removed(RemovalCause),
}

/// An account as it is stored.
#[derive(Clone)]
pub(crate) struct AccountRecord {
    pub(crate) id: AccountId,
    pub(crate) issuer: Issuer,
    pub(crate) account_id: String,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    pub(crate) device_id: String,
    pub(crate) state: StoredState,
    pub(crate) key_alias: String,
    /// The device key, as the key store made it: an answer is checked with it before it leaves.
    pub(crate) device_key: PublicKey,
    pub(crate) slot: Vec<u8>,
    pub(crate) push_keys: PushKeys,
    pub(crate) endpoints: Endpoints,
    pub(crate) service_keys: ServiceKeys,
    pub(crate) clock_offset: i64,
    pub(crate) added_at: Timestamp,
    /// While phone sign-in is on.
    pub(crate) sign_in: Option<SignInKey>,
    /// As of the last signed state; unknown before the first.
    pub(crate) policy: Option<Policy>,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) memory: Memory,
}

/// The key of phone sign-in, guarded by the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignInKey {
    pub(crate) alias: String,
    pub(crate) key: PublicKey,
    pub(crate) guard: KeyGuard,
}

impl SignInKey {
    pub(crate) fn thumbprint(&self) -> String {
        base64url::encode(&self.key.thumbprint())
    }
}

/// What keeps an account from working, until something clears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trouble {
    SignInKeyInvalidated,
    SignInKeyLost,
    DeviceKeyLost,
    Suspended,
    Limited,
    IdentityChanged,
    UpdateNeeded,
}

impl AccountRecord {
    /// What the person may see of it now, with the device lock as it was last seen.
    pub(crate) fn shown(&self, lock: Option<LockState>, now: Timestamp) -> Account {
        Account {
            id: self.id.clone(),
            issuer: self.issuer.as_str().to_owned(),
            host: self.issuer.host().to_owned(),
            organization: self.organization.clone(),
            user_name: self.user_name.clone(),
            health: self.health(lock),
            phone_sign_in: self.phone_sign_in(),
            added_at: self.added_at,
            muted_until: self.memory.muted_until(now),
            quiet_origins: self.memory.quiet_origins(now),
        }
    }

    fn health(&self, lock: Option<LockState>) -> AccountHealth {
        match (self.state, self.trouble) {
            (StoredState::Removed(cause), _) => AccountHealth::RemovedByService { cause },
            (StoredState::Pending, _) => AccountHealth::Pending,
            (StoredState::Active, Some(trouble)) => trouble.health(),
            (StoredState::Active, None) if self.sign_in.is_some() && lock == Some(LockState::Missing) => {
                AccountHealth::Paused
            }
            (StoredState::Active, None) => AccountHealth::Active,
        }
    }

    fn phone_sign_in(&self) -> PhoneSignIn {
        match (&self.sign_in, &self.policy) {
            (_, Some(policy)) if !policy.phone_sign_in => PhoneSignIn::NotAllowed,
            (Some(_), _) => PhoneSignIn::On,
            (None, _) => PhoneSignIn::Off,
        }
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.state == StoredState::Pending
    }

    pub(crate) fn is_removed(&self) -> bool {
        matches!(self.state, StoredState::Removed(_))
    }

    /// Whom its prompts must be meant for, and whose signature they must carry.
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

    /// What the notification extension needs of it.
    pub(crate) fn recipient(&self) -> InboxRecipient {
        InboxRecipient {
            slot: self.slot.clone(),
            push_keys: self.push_keys.clone(),
            audience: self.audience(),
            memory: self.memory.clone(),
        }
    }

    /// Who speaks when this account speaks to its service.
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
    fn health(self) -> AccountHealth {
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

/// The key store's name for an account's device key.
pub(crate) fn device_key_alias(account: &AccountId) -> String {
    format!("countersign-device-{}", account.0)
}
