//! What is remembered of each account, and what the person is shown of it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::enrollment::code::Issuer;
use crate::push_message::PushKeys;
use crate::service::{Endpoints, ServiceKeys, Speaker};

/// Names an account on this phone; made here, never sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccountId(pub String);

/// An account as the person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// This phone's name for it.
    pub id: AccountId,
    /// The sign-in service, verified: `https://host[:port]`.
    pub issuer: String,
    /// The part of the issuer that people read.
    pub host: String,
    /// The organisation, as the service claims.
    pub organization: String,
    /// The person's user name there, as the service claims.
    pub user_name: String,
    /// Whether it works, and if not, why.
    pub state: AccountState,
    /// When it was added, by this phone's clock.
    pub added_at: Timestamp,
}

/// Whether an account works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// The service waits for the digits.
    Pending,
    /// It answers prompts.
    Active,
    /// The service took this phone off the account; add it again to go on.
    RemovedByService(RemovalCause),
}

/// Why the service took this phone off an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalCause {
    /// "That's not my phone" was chosen in the wizard.
    NotMyPhone,
    /// Wrong digits three times.
    WrongDigits,
    /// The wizard was closed or cancelled.
    Cancelled,
    /// The ten minutes were over.
    Expired,
    /// This phone gave it up while it waited.
    Abandoned,
    /// This phone removed itself.
    RemovedByPhone,
    /// The person removed it on the security-info page.
    RemovedByPerson,
    /// An operator removed it.
    RemovedByOperator,
}

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
                StoredState::Removed(cause) => AccountState::RemovedByService(cause),
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

/// A service's claim without characters that move, hide or reverse others on a screen.
pub(crate) fn without_controls(text: &str) -> String {
    let invisible = |character: char| {
        character.is_control()
            || matches!(character,
                '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
    };
    text.chars().filter(|character| !invisible(*character)).collect()
}
