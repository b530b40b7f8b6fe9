//! What phone sign-in needs, looked at anew each time it is asked: the person may be in the settings meanwhile.

use crate::account::AccountRecord;
use crate::authenticator::Core;
use crate::error::Error;
use crate::platform::{KeyGuard, LockState};
use crate::step::NotAllowed;

/// The checklist before phone sign-in is turned on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// The device lock as it is now.
    pub lock: LockState,
    /// Whether that lock can guard the key.
    pub lock_is_enough: bool,
    /// How the key will be guarded, by the organisation's policy.
    pub guard: KeyGuard,
    /// Whether this device is registered.
    pub registration: Registration,
}

/// Whether this device is registered for phone sign-in with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// Not yet.
    Needed,
    /// It is: phone sign-in is on.
    Done,
    /// It can't be.
    NotAllowed {
        /// Why.
        why: NotAllowed,
    },
}

/// Looks at lock, policy and the other accounts of this phone.
///
/// # Errors
/// `Platform` when the device does not say whether it has a lock.
pub(crate) async fn requirements(core: &Core, account: &AccountRecord) -> Result<Requirements, Error> {
    let lock = core.lock().await?;
    let guard = guard_for(account);
    let registration = match (&account.sign_in, refusal(core, account).await?) {
        (Some(_), _) => Registration::Done,
        (None, Some(why)) => Registration::NotAllowed { why },
        (None, None) => Registration::Needed,
    };
    Ok(Requirements { lock, lock_is_enough: lock_guards(lock, guard), guard, registration })
}

async fn refusal(core: &Core, account: &AccountRecord) -> Result<Option<NotAllowed>, Error> {
    let Some(policy) = &account.policy else {
        return Ok(None);
    };
    if !policy.phone_sign_in {
        return Ok(Some(NotAllowed::Policy));
    }
    let Some(limit) = policy.accounts_on_phone else {
        return Ok(None);
    };
    let others: Vec<AccountRecord> = core.store.read(|tables| tables.accounts()).await?;
    let mut enabled = others
        .into_iter()
        .filter(|other| other.issuer == account.issuer && other.id != account.id && other.sign_in.is_some());
    let count = u32::try_from(enabled.clone().count()).unwrap_or(u32::MAX);
    Ok(match enabled.next() {
        Some(holder) if count >= limit => Some(NotAllowed::AnotherAccount { user_name: holder.user_name }),
        Some(_) | None => None,
    })
}

/// As the policy of the last signed state says; the ordinary guard before the first.
pub(crate) fn guard_for(account: &AccountRecord) -> KeyGuard {
    account.policy.as_ref().map_or(KeyGuard::BiometricOrCredential, |policy| policy.key_guard.into())
}

/// Whether a lock can guard a key.
pub(crate) fn lock_guards(lock: LockState, guard: KeyGuard) -> bool {
    match (guard, lock) {
        (KeyGuard::AfterFirstUnlock, _) => true,
        (KeyGuard::BiometricOrCredential, LockState::Credential | LockState::Biometric) => true,
        (KeyGuard::BiometricCurrentSet, LockState::Biometric) => true,
        (KeyGuard::BiometricOrCredential | KeyGuard::BiometricCurrentSet, LockState::Missing)
        | (KeyGuard::BiometricCurrentSet, LockState::Credential) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_guards_only_what_it_can() {
        let locks = [LockState::Missing, LockState::Credential, LockState::Biometric];
        let by = |guard| locks.map(|lock| lock_guards(lock, guard));
        assert_eq!(by(KeyGuard::BiometricOrCredential), [false, true, true]);
        assert_eq!(by(KeyGuard::BiometricCurrentSet), [false, false, true]);
        assert_eq!(by(KeyGuard::AfterFirstUnlock), [true, true, true]);
    }
}
