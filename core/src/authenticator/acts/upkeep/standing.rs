//! Where an account stands: what a signed state of its service changes on this phone.

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

/// More notices than this are not taken from one answer.
const MAX_NOTICES: usize = 16;

/// Carries a signed state over to the account; `asked` is the account as it was when the request was sent.
///
/// # Errors
/// `InvalidAnswer` when the state does not fit the account; then nothing was changed.
pub(crate) async fn settle(core: &Core, asked: &AccountRecord, state: &State) -> Result<(), Error> {
    let id = asked.id.clone();
    let news = News::of(asked, state, core.ports.clock.now());
    core.change(Point::StateSettled, move |tables| news.take_over(tables, &id)).await?;
    if state.push_ended {
        core.wake_push_addresses();
    }
    retired_keys::destroy(core).await
}

/// What a state says, apart from prompts and outcomes.
pub(crate) struct News {
    status: StateStatus,
    cause: Option<RemovalCause>,
    policy: Option<Policy>,
    /// The sign-in key that this phone held when it asked, when the service has it no more.
    sign_in_gone: Option<String>,
    /// A sign-in key that the service has and this phone did not have when it asked: to be taken off there.
    stray: Option<Entry>,
    notices: Vec<Notice>,
    /// Pushes have no address any more: asked for anew from this time on.
    push_ended: Option<Timestamp>,
}

impl News {
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

    /// Writes it all in the transaction at hand.
    pub(crate) fn take_over(&self, tables: &Tables<'_>, id: &AccountId) -> Result<(), Error> {
        let account = match tables.account(id) {
            Ok(account) => account,
            // Removed here while the answer was under way.
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

    fn refresh(&self, tables: &Tables<'_>, account: &AccountRecord, trouble: Option<Trouble>) -> Result<(), Error> {
        let id = &account.id;
        let lasting = account.trouble.filter(|trouble| trouble.outlasts_contact());
        tables.set_trouble(id, trouble.or(lasting))?;
        if let Some(policy) = &self.policy {
            tables.set_policy(id, policy)?;
        }
        // A key that was registered after the request was sent is not the one that the answer says is gone.
        let held = account.sign_in.as_ref().map(|sign_in| sign_in.thumbprint());
        if held.is_some() && held == self.sign_in_gone {
            tables.set_sign_in(id, None)?;
        }
        // Unless it is being turned on right now, or that off is already on its way.
        if let Some(stray) = &self.stray
            && held.is_none()
            && tables.registration(id)?.is_none()
            && tables.outbox_is_silent_for(id)?
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
    /// Whether it stays although the service answers: only the person, or new keys, end it.
    fn outlasts_contact(self) -> bool {
        match self {
            Self::SignInKeyInvalidated | Self::SignInKeyLost => true,
            // Each of these is over when a signed state was asked for with the device key, and verified.
            Self::DeviceKeyLost | Self::Suspended | Self::Limited | Self::IdentityChanged | Self::UpdateNeeded => false,
        }
    }
}

/// Remembers why an account could not speak with its service, when that needs the person.
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

/// Asks the key store whether it still has every key that the accounts rest on: a key that is certainly gone is
/// said at once, one that can't be looked at now is not.
///
/// # Errors
/// Only when this phone's own store fails.
pub(crate) async fn check_keys(core: &Core) -> Result<(), Error> {
    let accounts = core.store.read(|tables| tables.accounts()).await?;
    for account in accounts.into_iter().filter(|account| account.state == StoredState::Active) {
        if let Some(ended) = look(core, &account.key_alias).await {
            note_failure(core, &account.id, &Error::Platform(ended)).await?;
        }
        let Some(sign_in) = &account.sign_in else { continue };
        match look(core, &sign_in.alias).await {
            Some(PlatformError::Invalidated) => {
                sign_in_key_ended(core, &account, Trouble::SignInKeyInvalidated).await?;
            }
            Some(_gone) => sign_in_key_ended(core, &account, Trouble::SignInKeyLost).await?,
            None => {}
        }
    }
    Ok(())
}

/// Why a key has certainly ended.
async fn look(core: &Core, alias: &str) -> Option<PlatformError> {
    let alias = alias.to_owned();
    match core.ports.ask(move |ports| ports.key_store.public_key(alias)).await {
        Err(Error::Platform(ended @ (PlatformError::Gone | PlatformError::Invalidated))) => Some(ended),
        Ok(_) | Err(_) => None,
    }
}

/// The sign-in key can never be used again: it goes here, and the service is told.
pub(crate) async fn sign_in_key_ended(core: &Core, account: &AccountRecord, trouble: Trouble) -> Result<(), Error> {
    let Some(sign_in) = account.sign_in.clone() else {
        return Ok(());
    };
    let entry = Entry::turn_off(account, &sign_in, core.ports.clock.now())?;
    let id = account.id.clone();
    core.change(Point::SignInKeyEnded, move |tables| {
        // Turned on anew meanwhile: then it is another key that works.
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
