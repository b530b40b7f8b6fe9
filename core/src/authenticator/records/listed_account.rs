//! The part of an account's record that screens show. It is read without the account's keys and endpoints, because a
//! phone can have many accounts, and the first screen needs them all.

use crate::authenticator::records::account::{AccountRecord, StoredState, Trouble};
use crate::base::clock::Timestamp;
use crate::protocol::messages::Policy;
use crate::values::account::{Account, AccountHealth, AccountId, PhoneSignIn};
use crate::values::fatigue::Memory;
use crate::values::issuer::Issuer;
use crate::values::platform::LockState;

/// An account in a list. The fields are those of `AccountRecord`.
pub(crate) struct ListedAccount {
    pub(crate) id: AccountId,
    pub(crate) issuer: Issuer,
    pub(crate) user_name: String,
    pub(crate) organization: String,
    pub(crate) state: StoredState,
    pub(crate) has_sign_in_key: bool,
    pub(crate) policy: Option<Policy>,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) added_at: Timestamp,
    pub(crate) memory: Memory,
}

impl ListedAccount {
    /// Returns this part of a complete record.
    pub(crate) fn of(record: &AccountRecord) -> Self {
        Self {
            id: record.id.clone(),
            issuer: record.issuer.clone(),
            user_name: record.user_name.clone(),
            organization: record.organization.clone(),
            state: record.state,
            has_sign_in_key: record.sign_in.is_some(),
            policy: record.policy.clone(),
            trouble: record.trouble,
            added_at: record.added_at,
            memory: record.memory.clone(),
        }
    }

    /// Returns the account as screens show it. `lock` is the last reading of the device lock.
    pub(crate) fn shown(self, lock: Option<LockState>, now: Timestamp) -> Account {
        Account {
            issuer: self.issuer.as_str().to_owned(),
            host: self.issuer.host().to_owned(),
            health: self.health(lock),
            phone_sign_in: self.phone_sign_in(),
            added_at: self.added_at,
            muted_until: self.memory.muted_until(now),
            quiet_origins: self.memory.quiet_origins(now),
            id: self.id,
            organization: self.organization,
            user_name: self.user_name,
        }
    }

    /// Returns the account's health. A missing device lock matters only while phone sign-in is on.
    fn health(&self, lock: Option<LockState>) -> AccountHealth {
        match (self.state, self.trouble) {
            (StoredState::Removed(cause), _) => AccountHealth::RemovedByService { cause },
            (StoredState::Pending, _) => AccountHealth::Pending,
            (StoredState::Active, Some(trouble)) => trouble.health(),
            (StoredState::Active, None) if self.has_sign_in_key && lock == Some(LockState::Missing) => {
                AccountHealth::Paused
            }
            (StoredState::Active, None) => AccountHealth::Active,
        }
    }

    /// Returns whether phone sign-in is on. If the policy forbids phone sign-in, returns `NotAllowed`, even if there is
    /// a sign-in key.
    fn phone_sign_in(&self) -> PhoneSignIn {
        match (self.has_sign_in_key, &self.policy) {
            (_, Some(policy)) if !policy.phone_sign_in => PhoneSignIn::NotAllowed,
            (true, _) => PhoneSignIn::On,
            (false, _) => PhoneSignIn::Off,
        }
    }
}
