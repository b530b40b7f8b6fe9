//! Checks what phone sign-in needs. Each call checks again, because the person may have changed the settings.

use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, StoredState};
use crate::authenticator::step::NotAllowed;
use crate::values::account::AccountId;
use crate::values::platform::{KeyGuard, LockState};

/// What an account needs before phone sign-in can be turned on, and whether this device has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Requirements {
    /// The device lock, read from the port at this call.
    pub lock: LockState,
    /// Whether a key with `guard` can be made while the device has `lock`.
    pub lock_is_enough: bool,
    /// The guard that the organization's policy requires for the sign-in key; `BiometricOrCredential` before the first
    /// signed state.
    pub guard: KeyGuard,
    /// Whether this device is registered for phone sign-in, or may be registered.
    pub registration: Registration,
}

/// Whether this device is registered for phone sign-in with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Registration {
    /// Not registered; `turn_on_phone_sign_in` starts the registration.
    Needed,
    /// Registered: phone sign-in is on.
    Done,
    /// Not registered, and can't be registered at present.
    NotAllowed {
        /// The reason: `Policy` or `AnotherAccount`.
        why: NotAllowed,
    },
}

/// Checks the device lock, the policy, and the other accounts on this phone.
///
/// # Errors
/// `Store`; `Platform` when the port `DeviceLock` fails.
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

/// Returns why the policy does not allow phone sign-in; `None` when the policy allows phone sign-in, or when this phone
/// has not received the policy yet. The phone enforces the limit of accounts, because the service can't see which
/// device keys belong to one phone.
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

/// Returns the key guard that the last known policy requires; `BiometricOrCredential` before the first signed state.
pub(crate) fn guard_for(account: &AccountRecord) -> KeyGuard {
    account.policy.as_ref().map_or(KeyGuard::BiometricOrCredential, |policy| policy.key_guard.into())
}

/// Returns an active account.
///
/// # Errors
/// `UnknownAccount` when the account is pending or not on this phone; `Removed` when the service has removed this
/// device.
pub(crate) async fn active(core: &Core, id: &AccountId) -> Result<AccountRecord, Error> {
    let wanted = id.clone();
    let account = core.store.read(move |tables| tables.account(&wanted)).await?;
    match account.state {
        StoredState::Active => Ok(account),
        StoredState::Pending => Err(Error::UnknownAccount),
        StoredState::Removed(_) => Err(Error::Removed),
    }
}
