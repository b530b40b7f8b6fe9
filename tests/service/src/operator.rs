//! The operator's commands, such as adding a person or removing all phones of a person.
//!
//! The commands use only the data folder, so they work while the service runs. The commands work before the first start
//! of the service too, except [`rotate_keys`].

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

/// The user name of the first administrator.
pub const FIRST_NAME: &str = "administrator";
/// Length of the first administrator's password in characters. The password has 80 random bits and works once.
const FIRST_PASSWORD: usize = 16;

/// Adds a person. Blocks while it hashes the password.
///
/// # Errors
/// The user name is taken, the user name or the password is empty, the database failed, or there is no randomness.
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
    if store.global_blocking(|tx| people::add(tx, &person))? { Ok(()) } else { Err(AppError::NameTaken) }
}

/// Adds the first administrator if the service has no people, and returns a password that works once. Returns `None` if
/// the service has people. Blocks while it hashes the password.
///
/// # Errors
/// The database failed, or there is no randomness.
pub fn first_administrator(store: &Store, now: Time) -> Result<Option<String>, AppError> {
    if store.global_blocking(|tx| Ok(!people::everybody(tx)?.is_empty()))? {
        return Ok(None);
    }
    let password = crockford(FIRST_PASSWORD)?;
    let mut person = Person::new(FIRST_NAME, "Administrator", &password, now)?;
    person.must_change_password = true;
    person.is_administrator = true;
    let added = store.global_blocking(|tx| Ok(people::everybody(tx)?.is_empty() && people::add(tx, &person)?))?;
    Ok(added.then_some(password))
}

/// Makes a person an administrator, or removes that role.
///
/// # Errors
/// No person has that user name, or the database failed.
pub fn set_administrator(store: &Store, user_name: &str, is_administrator: bool) -> Result<(), AppError> {
    let done = store.global_blocking(|tx| {
        let Some(person) = people::find(tx, user_name)? else {
            return Ok(false);
        };
        let changed = |person: &mut Person| person.is_administrator = is_administrator;
        tx.update(&person.account_id, changed)?.granted();
        Ok(true)
    })?;
    if done { Ok(()) } else { Err(AppError::NoSuchPerson) }
}

/// Creates a token for the policy API. The token is shown once, and only its hash is stored.
///
/// # Errors
/// No person has that user name, the person is not an administrator, the database failed, or there is no randomness.
pub fn make_api_token(store: &Store, user_name: &str, now: Time) -> Result<String, AppError> {
    let token = random_id()?;
    let made = store.global_blocking(|tx| {
        let Some(person) = people::find(tx, user_name)?.filter(|person| person.is_administrator) else {
            return Ok(false);
        };
        let id = hashed(token.as_bytes());
        tx.insert(&ApiToken { id, account_id: person.account_id.clone(), expires_at: now + TOKEN_LIFE })?;
        audit::record(tx, &person.account_id, "api_token_made", "", now)?;
        Ok(true)
    })?;
    if made { Ok(token) } else { Err(AppError::NoSuchPerson) }
}

/// Sets a person's password, which they must change at the next sign-in. Ends the sessions and other records that
/// depend on the old password (see `endings::end_for_new_password`). Blocks while it hashes the password.
///
/// # Errors
/// No person has that user name, the password is empty, the database failed, or there is no randomness.
pub fn set_password(store: &Store, user_name: &str, password: &str, now: Time) -> Result<(), AppError> {
    if password.is_empty() {
        return Err(AppError::Empty);
    }
    let hash = passwords::hash(password)?;
    let done = store.global_blocking(|tx| {
        let Some(person) = people::find(tx, user_name)? else {
            return Ok(false);
        };
        replace_password(tx, &person.account_id, &hash, true, now)?;
        Ok(true)
    })?;
    if done { Ok(()) } else { Err(AppError::NoSuchPerson) }
}

/// Publishes the next key that signs messages to phones, and returns when this key starts to sign. A running service
/// loads the key within a minute. If a next key is already published, changes nothing, and returns when that key starts
/// to sign.
///
/// # Errors
/// The service has never run on this folder, the chain of key documents is too long, or the data folder can't be
/// opened.
pub fn rotate_keys(folder: &Path, now: Time) -> Result<Time, AppError> {
    let (store, sealer) = (data::open(folder)?, Sealer::new(&data::key(folder)?)?);
    Ok(store.global_blocking(|tx| keys::publish_now(tx, &sealer, now))?)
}

/// Removes all active phones of a person, forgets the person's known browsers and ends the person's sessions. Returns
/// the number of removed phones.
///
/// # Errors
/// No person has that user name, or the database failed.
pub fn reset_methods(store: &Store, user_name: &str, now: Time) -> Result<usize, AppError> {
    let removed = store.global_blocking(|tx| {
        let Some(person) = people::find(tx, user_name)? else {
            return Ok(None);
        };
        Ok(Some(remove_every_device(tx, &person.account_id, now)?))
    })?;
    removed.ok_or(AppError::NoSuchPerson)
}
