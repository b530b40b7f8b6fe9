//! An account as the store keeps it.

use super::{Account, AccountId, AccountState, RemovalCause};
use crate::clock::Timestamp;
use crate::inbox::InboxRecipient;
use crate::issuer::Issuer;
use crate::jose::PublicKey;
use crate::prompt::Audience;
use crate::push_message::PushKeys;
use crate::service::{Endpoints, ServiceKeys, Speaker};

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
}

impl AccountRecord {
    /// What the person may see of it.
    pub(crate) fn shown(&self) -> Account {
        Account {
            id: self.id.clone(),
            issuer: self.issuer.as_str().to_owned(),
            host: self.issuer.host().to_owned(),
            organization: self.organization.clone(),
            user_name: self.user_name.clone(),
            state: match self.state {
                StoredState::Pending => AccountState::Pending,
                StoredState::Active => AccountState::Active,
                StoredState::Removed(cause) => AccountState::RemovedByService { cause },
            },
            added_at: self.added_at,
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
        InboxRecipient { slot: self.slot.clone(), push_keys: self.push_keys.clone(), audience: self.audience() }
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

/// The key store's name for an account's device key.
pub(crate) fn device_key_alias(account: &AccountId) -> String {
    format!("countersign-device-{}", account.0)
}
