//! Lists the accounts of a database that was restored from another device, and clears such a database.
//!
//! The two functions are not methods of `Authenticator`, because `Authenticator::open` refuses such a database.

use std::sync::Arc;

use crate::authenticator::Workers;
use crate::authenticator::context::{DATABASE, Folders};
use crate::authenticator::error::Error;
use crate::authenticator::store::restored;
use crate::authenticator::tasks;
use crate::values::account::Account;
use crate::values::platform::KeyStore;

/// Returns the accounts that were active in a database from another device, oldest first. Call this function after
/// `Authenticator::open` has returned `FromAnotherDevice`.
///
/// Names and issuers can be read, secrets can't. Each account has `AccountHealth::RestoredElsewhere`. Changes nothing.
///
/// # Errors
/// `NewerSchema`, `Store`.
pub async fn restored_accounts(folders: Folders) -> Result<Vec<Account>, Error> {
    blocking(move || restored::accounts(&folders.home.join(DATABASE))).await
}

/// Deletes everything in a database from another device, so that `Authenticator::open` can use the empty database.
///
/// The services are not informed, so the other device stays registered there.
///
/// # Errors
/// `NotFromAnotherDevice` when this device has the database's keys: working accounts must not be deleted by mistake.
/// Other errors are `NotYetUnlocked`, `Platform`, `NewerSchema` and `Store`. After any error nothing was changed.
pub async fn start_over(folders: Folders, key_store: Arc<dyn KeyStore>) -> Result<(), Error> {
    blocking(move || restored::clear(&folders.home.join(DATABASE), key_store.as_ref())).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let (_workers, runtime) = Workers::start()?;
    tasks::start(&runtime, tasks::blocking(work)).await??
}
