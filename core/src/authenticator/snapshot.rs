//! Reads, in one transaction, everything that a screen shows. Also fetches the prompts of all accounts.

use std::collections::HashMap;
use std::sync::Arc;

use crate::authenticator::acts::enrollment;
use crate::authenticator::acts::enrollment::by_sign_in;
use crate::authenticator::acts::phone_sign_in;
use crate::authenticator::acts::prompts::fetch::fetch;
use crate::authenticator::acts::prompts::push;
use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, StoredState};
use crate::authenticator::records::stage::Stage;
use crate::authenticator::step::Step;
use crate::authenticator::store::Tables;
use crate::authenticator::tasks;
use crate::base::clock::Timestamp;
use crate::protocol::messages::FetchReason;
use crate::protocol::verify::Audience;
use crate::values::account::{Account, AccountId, Notice};
use crate::values::prompt::{Prompt, PromptState};

/// Everything that a screen shows, read at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Increases with every change; pass it to `changed_since`. Starts at 0 when the authenticator is opened.
    pub revision: u64,
    /// The accounts, oldest first. Pending accounts are left out; their enrollments are in `pending`.
    pub accounts: Vec<Account>,
    /// Open prompts, prompts whose answer waits for the service, and prompts whose outcome arrived in the last minute.
    /// Oldest first.
    pub prompts: Vec<Prompt>,
    /// One step for each stored act that can be continued or abandoned.
    pub pending: Vec<Step>,
    /// Notices about changes of the accounts, newest first, without dismissed notices.
    pub notices: Vec<Notice>,
}

/// The result of `check_for_prompts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Every prompt that waits for the person, oldest first. For an account in `unreachable`, these are the prompts
    /// that this phone had already stored.
    pub prompts: Vec<Prompt>,
    /// Accounts whose prompts could not be fetched, with the error.
    pub unreachable: Vec<(AccountId, Error)>,
}

/// Reads a snapshot in one transaction. A record that can't be read is left out.
///
/// # Errors
/// `Store`.
pub(super) async fn snapshot(core: &Core) -> Result<Snapshot, Error> {
    // The revision is read before the data, so a change between the two reads is reported again and not missed.
    let (revision, now, lock) = (core.revision(), core.ports.clock.now(), core.lock_seen());
    let (mut snapshot, registrations, entered) = core
        .store
        .read(move |tables| {
            let listed = tables.listed_accounts()?.into_iter();
            let pending: Vec<Step> = tables.enrollments()?.iter().map(enrollment::shown_step).collect();
            let shown = listed.filter(|account| account.state != StoredState::Pending);
            let accounts = shown.map(|account| account.shown(lock, now)).collect();
            let prompts = shown_prompts(tables, now)?;
            let snapshot = Snapshot { revision, accounts, prompts, pending, notices: tables.notices()? };
            let registrations = tables.registrations()?.into_iter();
            let registrations: Vec<(AccountRecord, Stage)> =
                registrations.filter_map(|(account, stage)| Some((tables.account(&account).ok()?, stage))).collect();
            Ok((snapshot, registrations, tables.sign_in_enrollments()?))
        })
        .await?;
    snapshot.pending.extend(entered.iter().map(|record| by_sign_in::shown_step(core, record)));
    for (account, stage) in registrations {
        snapshot.pending.push(phone_sign_in::shown_step(core, &account, &stage)?);
    }
    Ok(snapshot)
}

/// Returns the prompts that a screen shows. Reads only the accounts that have prompts.
fn shown_prompts(tables: &Tables<'_>, now: Timestamp) -> Result<Vec<Prompt>, Error> {
    let mut audiences: HashMap<AccountId, Option<Audience>> = HashMap::new();
    let mut shown = Vec::new();
    for prompt in tables.live_prompts(now)? {
        let audience = audiences
            .entry(prompt.id.account.clone())
            .or_insert_with_key(|account| tables.account(account).ok().map(|account| account.audience()));
        shown.extend(audience.as_ref().and_then(|audience| prompt.shown(audience).ok()));
    }
    Ok(shown)
}

/// Imports the notification extension's pushes, and fetches the prompts of all accounts in parallel.
///
/// # Errors
/// As `push::import` and `snapshot`.
pub(super) async fn check_for_prompts(core: &Arc<Core>, reason: FetchReason) -> Result<Checked, Error> {
    push::import(core).await?;
    let records = core.store.read(|tables| tables.accounts()).await?;
    // In parallel, because a slow service must not delay the fetches from other services.
    let mut asked = Vec::new();
    for account in records.into_iter().filter(|record| !record.is_removed()) {
        let core = Arc::clone(core);
        let id = account.id.clone();
        let asking = async move { fetch(&core, &id, reason, 0).await };
        asked.push((account.id, tasks::start(&tokio::runtime::Handle::current(), asking)));
    }
    let mut unreachable = Vec::new();
    for (account, answer) in asked {
        match answer.await.unwrap_or_else(Err) {
            Ok(_) | Err(Error::Removed) => {}
            Err(error) => unreachable.push((account, error)),
        }
    }
    let mut prompts = snapshot(core).await?.prompts;
    prompts.retain(|prompt| prompt.state() == PromptState::Open);
    Ok(Checked { prompts, unreachable })
}
