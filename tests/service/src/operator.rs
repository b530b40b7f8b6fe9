//! The operator's acts: adding a person, and the way out for a lost phone.
//!
//! They need the database and nothing else, so they work before the service has ever run and while it runs.

use std::path::Path;

use crate::audit;
use crate::clock::Time;
use crate::data;
use crate::endings::remove_every_device;
use crate::error::AppError;
use crate::keys;
use crate::passwords;
use crate::people::person::Person;
use crate::people::records as people;
use crate::policy::records::{ApiToken, TOKEN_LIFE};
use crate::secrets::{Sealer, crockford, hashed, random_id};
use crate::sign_in::acts::replace_password;
use crate::store::Store;

/// What the first administrator types to sign in.
pub const FIRST_NAME: &str = "administrator";
/// 80 bits, used once.
const FIRST_PASSWORD: usize = 16;

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

/// The first administrator of a service that knows nobody: returns a password that works once; none when there is
/// somebody. Blocks for the hashing.
///
/// # Errors
/// The database.
pub fn first_administrator(store: &Store, now: Time) -> Result<Option<String>, AppError> {
    if store.run_blocking(|tx| Ok(!people::everybody(tx)?.is_empty()))? {
        return Ok(None);
    }
    let password = crockford(FIRST_PASSWORD)?;
    let mut person = Person::new(FIRST_NAME, "Administrator", &password, now)?;
    person.must_change_password = true;
    person.is_administrator = true;
    let added = store.run_blocking(|tx| Ok(people::everybody(tx)?.is_empty() && people::add(tx, &person)?))?;
    Ok(added.then_some(password))
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

/// Gives a person another password, which they must change when they come; what rests on the old one ends. Blocks for
/// the hashing.
///
/// # Errors
/// Nobody has that user name, or the password is empty.
pub fn set_password(store: &Store, user_name: &str, password: &str, now: Time) -> Result<(), AppError> {
    if password.is_empty() {
        return Err(AppError::Empty);
    }
    let hash = passwords::hash(password)?;
    let done = store.run_blocking(|tx| {
        let Some(mut person) = people::find(tx, user_name)? else {
            return Ok(false);
        };
        replace_password(tx, &mut person, hash, now)?;
        person.must_change_password = true;
        tx.put(&person)?;
        Ok(true)
    })?;
    if done { Ok(()) } else { Err(AppError::NobodyThere) }
}

/// Publishes a new key towards phones; returns from when on it signs. Running services take it over by themselves.
///
/// # Errors
/// The service has never run on this folder.
pub fn rotate_keys(folder: &Path, now: Time) -> Result<Time, AppError> {
    let (store, sealer) = (data::open(folder)?, Sealer::new(&data::key(folder)?)?);
    Ok(store.run_blocking(|tx| keys::publish_now(tx, &sealer, now))?)
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
        Ok(Some(remove_every_device(tx, &person.account_id, now)?))
    })?;
    removed.ok_or(AppError::NobodyThere)
}
