//! What a signed state of the service makes of an enrollment.

use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, StoredState};
use crate::authenticator::records::enrollment::{Event, next};
use crate::authenticator::store::Tables;
use crate::values::account::{AccountId, RemovalCause};

/// The account works; records that an earlier removal left of it on this phone go.
pub(crate) fn activate(tables: &Tables<'_>, account: &AccountRecord) -> Result<(), Error> {
    tables.delete_removed_twins(account)?;
    tables.set_account_state(&account.id, StoredState::Active)?;
    tables.delete_enrollment_of(&account.id)
}

/// The service ended the enrollment; the person has not been told yet.
pub(crate) fn end(tables: &Tables<'_>, account: &AccountId, cause: RemovalCause) -> Result<(), Error> {
    if let Some(record) = tables.enrollment_of(account)?
        && let Some(stage) = next(&record.stage, Event::Removed { cause })
    {
        tables.set_enrollment_stage(&record.ticket, &stage)?;
    }
    tables.delete_account(account)
}
