//! What phone sign-in needs, looked at anew each time it is asked: the person may be in the settings meanwhile.

use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, StoredState};
use crate::authenticator::step::NotAllowed;
use crate::values::account::AccountId;
use crate::values::platform::{KeyGuard, LockState};

/// The checklist before phone sign-in is turned on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Requirements {
    /// The device lock as it is now.
    pub lock: LockState,
    /// Whether that lock can guard the key.
    pub lock_is_enough: bool,
    /// How the key will be guarded, by the organization's policy.
    pub guard: KeyGuard,
    /// Whether this device is registered.
    pub registration: Registration,
}

/// Whether this device is registered for phone sign-in with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
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
    Ok(Requirements { lock, lock_is_enough: lock.guards(guard), guard, registration })
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

/// The account, while it is active.
///
/// # Errors
/// `UnknownAccount`, `Removed`.
pub(crate) async fn active(core: &Core, id: &AccountId) -> Result<AccountRecord, Error> {
    let wanted = id.clone();
    let account = core.store.read(move |tables| tables.account(&wanted)).await?;
    match account.state {
        StoredState::Active => Ok(account),
        StoredState::Pending => Err(Error::UnknownAccount),
        StoredState::Removed(_) => Err(Error::Removed),
    }
}
