//! The operator's acts: adding a person, and the way out for a lost phone.
//!
//! They need the database and nothing else, so they work before the service has ever run and while it runs.

use std::path::Path;

use crate::app::AppError;
use crate::audit;
use crate::clock::Time;
use crate::data;
use crate::devices::records::{self as devices, Cause, Device};
use crate::people::{self, Person};
use crate::policy::records::{ApiToken, TOKEN_LIFE};
use crate::secrets::{hashed, random_id};
use crate::sign_in::records::{KnownBrowser, Session, end_session};
use crate::store::Store;

/// In the data folder.
pub(crate) const DATABASE: &str = "service.db";

/// The database of a data folder, made when it is not there. Blocks.
///
/// # Errors
/// The folder can't be made, or the file is no database of ours.
pub fn open(folder: &Path) -> Result<Store, AppError> {
    data::make_private(folder)?;
    Ok(Store::sqlite(&folder.join(DATABASE))?)
}

/// Adds a person. Blocks for the hashing.
///
/// # Errors
/// The name is taken, or name or password is empty.
pub fn add_person(
    store: &Store,
    user_name: &str,
    display_name: &str,
    password: &str,
    now: Time,
) -> Result<(), AppError> {
    if user_name.trim().is_empty() || password.is_empty() {
        return Err(AppError::Empty);
    }
    let person = Person::new(user_name, display_name, password, now)?;
    if store.run_blocking(|tx| people::add(tx, &person))? { Ok(()) } else { Err(AppError::NameTaken) }
}

/// Makes somebody an administrator, or no longer one.
///
/// # Errors
/// Nobody has that user name.
pub fn set_administrator(store: &Store, user_name: &str, is_administrator: bool) -> Result<(), AppError> {
    let done = store.run_blocking(|tx| {
        let Some(mut person) = people::find(tx, user_name)? else {
            return Ok(false);
        };
        person.is_administrator = is_administrator;
        tx.put(&person)?;
        Ok(true)
    })?;
    if done { Ok(()) } else { Err(AppError::NobodyThere) }
}

/// Makes a token for the policy's API, shown once.
///
/// # Errors
/// Nobody has that user name, or they are no administrator.
pub fn make_api_token(store: &Store, user_name: &str, now: Time) -> Result<String, AppError> {
    let token = random_id()?;
    let id = hashed(token.as_bytes());
    let made = store.run_blocking(|tx| {
        let Some(person) = people::find(tx, user_name)?.filter(|person| person.is_administrator) else {
            return Ok(false);
        };
        tx.put(&ApiToken { id, account_id: person.account_id.clone(), expires_at: now + TOKEN_LIFE })?;
        audit::record(tx, &person.account_id, "api_token_made", "", now)?;
        Ok(true)
    })?;
    if made { Ok(token) } else { Err(AppError::NobodyThere) }
}

/// Removes every phone of a person, forgets their browsers and ends their sessions; returns how many phones.
///
/// # Errors
/// Nobody has that user name.
pub fn reset_methods(store: &Store, user_name: &str, now: Time) -> Result<usize, AppError> {
    let removed = store.run_blocking(|tx| {
        let Some(person) = people::find(tx, user_name)? else {
            return Ok(None);
        };
        let phones: Vec<Device> = devices::active(tx, &person.account_id)?;
        let count = phones.len();
        for mut phone in phones {
            devices::remove(tx, &mut phone, Cause::RemovedByOperator, now)?;
        }
        for session in tx.children::<Session>(&person.account_id)? {
            end_session(tx, &session.id, now)?;
        }
        for browser in tx.children::<KnownBrowser>(&person.account_id)? {
            tx.delete::<KnownBrowser>(&browser.id)?;
        }
        Ok(Some(count))
    })?;
    removed.ok_or(AppError::NobodyThere)
}
