//! Completes or ends an enrollment, as a signed state of the service says.

use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, StoredState};
use crate::authenticator::records::enrollment::{Event, next};
use crate::authenticator::store::Tables;
use crate::values::account::{AccountId, RemovalCause};

/// Activates the account, and deletes its enrollment. Also deletes older records of the same account at the service,
/// which have the state `Removed`.
///
/// # Errors
/// `Store`.
pub(crate) fn activate(tables: &Tables<'_>, account: &AccountRecord) -> Result<(), Error> {
    tables.delete_removed_duplicates(account)?;
    tables.set_account_state(&account.id, StoredState::Active)?;
    tables.delete_enrollment_of(&account.id)
}

/// Deletes the account and retires its keys. The enrollment stays in stage `Ended`, so that the app can show the cause.
///
/// # Errors
/// `Store`.
pub(crate) fn end(tables: &Tables<'_>, account: &AccountId, cause: RemovalCause) -> Result<(), Error> {
    if let Some(record) = tables.enrollment_of(account)?
        && let Some(stage) = next(&record.stage, Event::Removed { cause })
    {
        tables.set_enrollment_stage(&record.ticket, &stage)?;
    }
    tables.delete_account(account)
}
