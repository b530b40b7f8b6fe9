//! Applies a service's signed state to an account. Also stores the account's trouble: the problem that keeps the
//! account from working.

use crate::authenticator::acts::enrollment::settled;
use crate::authenticator::acts::upkeep::retired_keys;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, StoredState, Trouble};
use crate::authenticator::records::outbox_entry::Entry;
use crate::authenticator::store::Tables;
use crate::base::clock::Timestamp;
use crate::base::points::Point;
use crate::protocol::messages::{Message, Policy, State, StateStatus};
use crate::values::account::{AccountId, Notice, RemovalCause};
use crate::values::platform::PlatformError;

/// The most notices that are read from one signed state (protocol section 5).
const MAX_NOTICES: usize = 16;

/// Stores the effects of a signed state on the account, then deletes the keys that were retired. `asked` is the account
/// as it was when the request was sent.
///
/// # Errors
/// `InvalidAnswer` when the state does not fit the account: nothing was changed. `Store`.
pub(crate) async fn settle(core: &Core, asked: &AccountRecord, state: &State) -> Result<(), Error> {
    let id = asked.id.clone();
    let changes = StateChanges::of(asked, state, core.ports.clock.now());
    core.change(Point::StateSettled, move |tables| changes.apply(tables, &id)).await?;
    if state.push_ended {
        core.wake_push_addresses();
    }
    retired_keys::destroy(core).await
}

/// The changes that a signed state makes to its account. Prompts and outcomes are not included: `fetch` and `outbox`
/// store them.
///
/// The state is compared with the account as it was when the request was sent: the account may have changed since then.
pub(crate) struct StateChanges {
    status: StateStatus,
    cause: Option<RemovalCause>,
    policy: Option<Policy>,
    /// The thumbprint of the sign-in key that this phone had when the request was sent, if the service no longer has
    /// this key.
    sign_in_gone: Option<String>,
    /// The message that deregisters a stray sign-in key. A key is stray when the service has it although this phone had
    /// no sign-in key when the request was sent.
    stray: Option<Entry>,
    notices: Vec<Notice>,
    /// When the service reported that the push address has ended; `None` when there was no such report.
    push_ended: Option<Timestamp>,
}

impl StateChanges {
    /// Computes the changes from a verified state, received at `now`. Stores nothing.
    pub(crate) fn of(asked: &AccountRecord, state: &State, now: Timestamp) -> Self {
        let held = asked.sign_in.as_ref().map(|sign_in| sign_in.thumbprint());
        let stray = match (&held, &state.sign_in_key) {
            (None, Some(stray)) if asked.state == StoredState::Active => {
                let message = Message::TurnOff { sign_in_key: stray.clone() };
                Entry::new(asked, asked.endpoints.device.clone(), message, now).ok()
            }
            (Some(_), _) | (None, Some(_) | None) => None,
        };
        let sign_in_gone = held.filter(|held| state.sign_in_key.as_deref() != Some(held));
        let notices = state.notices.iter().take(MAX_NOTICES).filter_map(|notice| {
            Some(Notice {
                id: notice.id.clone(),
                account: asked.id.clone(),
                kind: notice.kind?,
                at: Timestamp(notice.at).shifted(asked.clock_offset.saturating_neg()),
            })
        });
        Self {
            status: state.status,
            cause: state.cause,
            policy: state.policy.clone(),
            sign_in_gone,
            stray,
            notices: notices.collect(),
            push_ended: state.push_ended.then_some(now),
        }
    }

    /// Writes the changes in the caller's transaction. An account that is no longer on this phone is ignored.
    ///
    /// # Errors
    /// `InvalidAnswer` when the status does not fit the account's state, for example `pending` for an active account.
    pub(crate) fn apply(&self, tables: &Tables<'_>, id: &AccountId) -> Result<(), Error> {
        let account = match tables.account(id) {
            Ok(account) => account,
            // The account was removed from this phone after the request was sent.
            Err(Error::UnknownAccount) => return Ok(()),
            Err(error) => return Err(error),
        };
        match (account.state, self.status, self.cause) {
            (StoredState::Pending, StateStatus::Ok, _) => {
                settled::activate(tables, &account)?;
                self.refresh(tables, &account, None)
            }
            (StoredState::Pending, StateStatus::Removed, Some(cause)) => settled::end(tables, id, cause),
            (StoredState::Active, StateStatus::Removed, Some(cause)) => {
                tables.set_account_state(id, StoredState::Removed(cause))?;
                tables.set_sign_in(id, None)?;
                tables.delete_prompts_of(id)
            }
            (StoredState::Active, StateStatus::Ok, _) => self.refresh(tables, &account, None),
            (StoredState::Active, StateStatus::Suspended, _) => {
                self.refresh(tables, &account, Some(Trouble::Suspended))
            }
            (StoredState::Active, StateStatus::Limited, _) => self.refresh(tables, &account, Some(Trouble::Limited)),
            (StoredState::Pending, StateStatus::Pending, _) | (StoredState::Removed(_), StateStatus::Removed, _) => {
                Ok(())
            }
            (
                _,
                StateStatus::Ok
                | StateStatus::Pending
                | StateStatus::Removed
                | StateStatus::ClockSkew
                | StateStatus::Suspended
                | StateStatus::Limited,
                _,
            ) => Err(Error::InvalidAnswer),
        }
    }

    /// Writes trouble, policy, keys, push renewal and notices of an account that the service still has.
    fn refresh(&self, tables: &Tables<'_>, account: &AccountRecord, trouble: Option<Trouble>) -> Result<(), Error> {
        let id = &account.id;
        let lasting = account.trouble.filter(|trouble| trouble.outlasts_contact());
        tables.set_trouble(id, trouble.or(lasting))?;
        if let Some(policy) = &self.policy {
            tables.set_policy(id, policy)?;
        }
        // Keep a sign-in key that was registered only after the request was sent.
        let held = account.sign_in.as_ref().map(|sign_in| sign_in.thumbprint());
        if held.is_some() && held == self.sign_in_gone {
            tables.set_sign_in(id, None)?;
        }
        // Don't deregister the key while a registration is unfinished (the key may belong to it), or while the outbox
        // contains a message for this account (it may already deregister the key).
        if let Some(stray) = &self.stray
            && held.is_none()
            && tables.registration(id)?.is_none()
            && tables.outbox_is_empty_for(id)?
        {
            tables.insert_outbox(stray)?;
        }
        if let Some(now) = self.push_ended {
            tables.hasten_push_renewal(id, now)?;
        }
        self.notices.iter().try_for_each(|notice| tables.insert_notice(notice))
    }
}

impl Trouble {
    /// Whether the trouble stays after a valid signed state. If so, only a new sign-in key ends the trouble.
    fn outlasts_contact(self) -> bool {
        match self {
            Self::SignInKeyInvalidated | Self::SignInKeyLost => true,
            // A verified state for a request that the device key signed shows that these troubles are over.
            Self::DeviceKeyLost | Self::Suspended | Self::Limited | Self::IdentityChanged | Self::UpdateNeeded => false,
        }
    }
}

/// Stores why an exchange failed, if the person must act. Other errors are ignored.
///
/// # Errors
/// `Store`.
pub(crate) async fn note_failure(core: &Core, id: &AccountId, error: &Error) -> Result<(), Error> {
    let trouble = match error {
        Error::Platform(PlatformError::Gone | PlatformError::Invalidated) => Trouble::DeviceKeyLost,
        Error::UnsupportedVersion => Trouble::UpdateNeeded,
        Error::IdentityChanged => Trouble::IdentityChanged,
        _passing => return Ok(()),
    };
    let id = id.clone();
    core.change(Point::TroubleNoted, move |tables| {
        if tables.account_exists(&id)? { tables.set_trouble(&id, Some(trouble)) } else { Ok(()) }
    })
    .await
}

/// Checks that the key store still has every key of the active accounts, and stores a trouble for a key that is
/// certainly lost. A key that can't be read at present causes no trouble.
///
/// # Errors
/// `Store`; `UnknownAccount` when an account is removed at the same time.
pub(crate) async fn check_keys(core: &Core) -> Result<(), Error> {
    for keys in core.store.read(|tables| tables.key_names()).await? {
        if let Some(ended) = cause_of_loss(core, &keys.device).await {
            note_failure(core, &keys.account, &Error::Platform(ended)).await?;
        }
        let Some(sign_in) = &keys.sign_in else { continue };
        let trouble = match cause_of_loss(core, sign_in).await {
            Some(PlatformError::Invalidated) => Trouble::SignInKeyInvalidated,
            Some(_gone) => Trouble::SignInKeyLost,
            None => continue,
        };
        match core.store.read(move |tables| tables.account(&keys.account)).await {
            Ok(account) => sign_in_key_ended(core, &account, trouble).await?,
            Err(Error::UnknownAccount) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns why a key can certainly never be used again (`Gone`, `Invalidated`); `None` when the key exists, or when the
/// key store fails with another error.
async fn cause_of_loss(core: &Core, alias: &str) -> Option<PlatformError> {
    let alias = alias.to_owned();
    match core.ports.ask(move |ports| ports.key_store.public_key(alias)).await {
        Err(Error::Platform(ended @ (PlatformError::Gone | PlatformError::Invalidated))) => Some(ended),
        Ok(_) | Err(_) => None,
    }
}

/// Handles a sign-in key that can never be used again: turns phone sign-in off on this phone, stores the trouble, and
/// informs the service, now or later.
///
/// # Errors
/// `UnknownAccount`, `Store`.
pub(crate) async fn sign_in_key_ended(core: &Core, account: &AccountRecord, trouble: Trouble) -> Result<(), Error> {
    let Some(sign_in) = account.sign_in.clone() else {
        return Ok(());
    };
    let entry = Entry::turn_off(account, &sign_in, core.ports.clock.now())?;
    let id = account.id.clone();
    core.change(Point::SignInKeyEnded, move |tables| {
        // Do nothing if phone sign-in was turned off in the meantime, or turned on again with another key.
        if tables.account(&id)?.sign_in != Some(sign_in) {
            return Ok(());
        }
        tables.set_sign_in(&id, None)?;
        tables.set_trouble(&id, Some(trouble))?;
        tables.insert_outbox(&entry)
    })
    .await?;
    core.wake_outbox();
    retired_keys::destroy(core).await
}
