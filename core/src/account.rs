//! What is remembered of each account, and what the person is shown of it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

#[cfg(feature = "authenticator")]
mod record;
#[cfg(feature = "authenticator")]
pub(crate) use record::{AccountRecord, StoredState, device_key_alias};

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
    RemovedByService {
        /// Why.
        cause: RemovalCause,
    },
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
