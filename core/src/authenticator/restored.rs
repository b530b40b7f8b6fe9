//! A database that was restored from another device: what stood in it, and beginning anew.
//!
//! Functions of their own, since such a database does not open.

use std::sync::Arc;

use crate::authenticator::Workers;
use crate::authenticator::context::{DATABASE, Folders};
use crate::authenticator::error::Error;
use crate::authenticator::store::restored;
use crate::authenticator::tasks;
use crate::values::account::Account;
use crate::values::platform::KeyStore;

/// What stood in a database that another device's keys belong to (`Authenticator::open` answered `FromAnotherDevice`):
/// names only, each account with `AccountHealth::RestoredElsewhere`; changes nothing.
///
/// # Errors
/// `NewerSchema`, `Store`.
pub async fn restored_accounts(folders: Folders) -> Result<Vec<Account>, Error> {
    blocking(move || restored::accounts(&folders.home.join(DATABASE))).await
}

/// Empties a database that another device's keys belong to, so that `Authenticator::open` begins anew; the services still
/// list the other device.
///
/// # Errors
/// `NotFromAnotherDevice` when its keys are here; `NotYetUnlocked`, `Platform`, `NewerSchema`, `Store`: nothing was
/// changed.
pub async fn start_over(folders: Folders, key_store: Arc<dyn KeyStore>) -> Result<(), Error> {
    blocking(move || restored::clear(&folders.home.join(DATABASE), key_store.as_ref())).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let (_workers, runtime) = Workers::start()?;
    tasks::start(&runtime, tasks::blocking(work)).await??
}
