//! The operator's commands, such as adding a person or removing all phones of a person.
//!
//! The commands use only the data folder, so they work while the service runs. The commands work before the first start
//! of the service too, except [`rotate_keys`].

use std::path::Path;

use crate::admin::acts::{self, Done, Prepared};
use crate::clock::Time;
use crate::data;
use crate::devices::records as devices;
use crate::effects::authority::by_operator;
use crate::effects::{add_person, api_token, password, rotate_keys as rotate};
use crate::error::AppError;
use crate::keys;
use crate::passwords::{self, Hash};
use crate::people::person::Person;
use crate::people::records as people;
use crate::policy::document::TokenScope;
use crate::policy::records::ApiToken;
use crate::prompts::change::Act;
use crate::provenance::Given;
use crate::secrets::{Sealer, crockford};
use crate::store::{Store, StoreError, Tx};

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
    if store.global_blocking(|tx| add(tx, &person, now))? { Ok(()) } else { Err(AppError::NameTaken) }
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
    person.give_role(Given::by_operator(now));
    let added = store.global_blocking(|tx| Ok(people::everybody(tx)?.is_empty() && add(tx, &person, now)?))?;
    Ok(added.then_some(password))
}

fn add(tx: &mut Tx<'_>, person: &Person, now: Time) -> Result<bool, StoreError> {
    let (user_name, display_name) = (person.user_name.clone(), person.display_name.clone());
    let authority = by_operator(tx, Act::AddPerson { user_name, display_name });
    match add_person::check(tx, &authority, now) {
        Some(proof) => add_person::act(tx, proof, person, now),
        None => Ok(false),
    }
}

/// Makes an administrative act about a person, like the administrator's pages, without an approval. `act`: returns the
/// act for the person's account id.
///
/// # Errors
/// No person has that user name, the act is not possible for this person, or the database failed.
pub fn administer(store: &Store, user_name: &str, act: impl Fn(String) -> Act, now: Time) -> Result<Done, AppError> {
    match store.global_blocking(|tx| administer_in(tx, user_name, &act, now))? {
        Some(Done::No) => Err(AppError::NotPossible),
        Some(done) => Ok(done),
        None => Err(AppError::NoSuchPerson),
    }
}

/// Like `administer`, in the caller's transaction. Returns `None` if no person has that user name.
pub fn administer_in(
    tx: &mut Tx<'_>,
    user_name: &str,
    act: impl Fn(String) -> Act,
    now: Time,
) -> Result<Option<Done>, StoreError> {
    let Some(person) = people::find(tx, user_name)? else {
        return Ok(None);
    };
    let authority = by_operator(tx, act(person.account_id.clone()));
    let prepared = Prepared { person: None, token_owner: Some(&person.account_id) };
    acts::administer(tx, authority, &prepared, now).map(Some)
}

/// Makes a person an administrator, or removes that role. If the person has the role already, the operator confirms it:
/// no report ends it then.
///
/// # Errors
/// No person has that user name, the person is suspended, or the database failed.
pub fn set_administrator(store: &Store, user_name: &str, is_administrator: bool, now: Time) -> Result<(), AppError> {
    let act =
        |account| if is_administrator { Act::MakeAdministrator(account) } else { Act::RemoveAdministrator(account) };
    match store.global_blocking(|tx| people::find(tx, user_name))? {
        Some(person) if !person.is_administrator && !is_administrator => Ok(()),
        Some(_) | None => administer(store, user_name, act, now).map(|_done| ()),
    }
}

/// Creates a token for the policy API. The token is shown once, and only its hash is stored.
///
/// # Errors
/// No person has that user name, the person is not an administrator, the name is empty, the database failed, or there is
/// no randomness.
pub fn make_api_token(
    store: &Store,
    user_name: &str,
    name: &str,
    scope: TokenScope,
    now: Time,
) -> Result<String, AppError> {
    let act = |_account| Act::MakeApiToken { name: name.to_owned(), scope };
    match administer(store, user_name, act, now)? {
        Done::ApiToken(token) => Ok(token),
        _ => Err(AppError::NotPossible),
    }
}

/// Returns the API tokens of an administrator.
///
/// # Errors
/// No person has that user name, or the database failed.
pub fn api_tokens(store: &Store, user_name: &str) -> Result<Vec<ApiToken>, AppError> {
    let found = store.global_blocking(|tx| match people::find(tx, user_name)? {
        Some(person) => acts::api_tokens(tx, &person.account_id).map(Some),
        None => Ok(None),
    })?;
    found.ok_or(AppError::NoSuchPerson)
}

/// Revokes the API token with this id. Returns false if there is no such token.
///
/// # Errors
/// The database failed.
pub fn revoke_api_token(store: &Store, token_id: &str, now: Time) -> Result<bool, AppError> {
    Ok(store.global_blocking(|tx| match api_token::check_revocation(tx, token_id, None)? {
        Some(proof) => api_token::revoke(tx, proof, now).map(|()| true),
        None => Ok(false),
    })?)
}

/// Sets a person's password, which they must change at the next sign-in. Also ends sessions, known browsers, passes and
/// API tokens. The person's phones stay. Returns the number of phones. Blocks while it hashes the password.
///
/// # Errors
/// No person has that user name, the password is empty, the database failed, or there is no randomness.
pub fn set_password(store: &Store, user_name: &str, password: &str, now: Time) -> Result<usize, AppError> {
    if password.is_empty() {
        return Err(AppError::Empty);
    }
    let hash = passwords::hash(password)?;
    let phones = store.global_blocking(|tx| {
        let done = set_password_in(tx, user_name, &hash, now)?;
        let person = people::find(tx, user_name)?.filter(|_person| done);
        person.map(|person| devices::active(tx, &person.account_id)).transpose()
    })?;
    phones.map(|phones| phones.len()).ok_or(AppError::NoSuchPerson)
}

/// Like `set_password`, in the caller's transaction. Returns false if no person has that user name.
pub fn set_password_in(tx: &mut Tx<'_>, user_name: &str, hash: &Hash, now: Time) -> Result<bool, StoreError> {
    let Some(person) = people::find(tx, user_name)? else {
        return Ok(false);
    };
    match password::by_operator(tx, &person.account_id)? {
        Some(proof) => password::act(tx, proof, hash, now).map(|_by| true),
        None => Ok(false),
    }
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
    Ok(store.global_blocking(|tx| rotate_keys_in(tx, &sealer, now))?)
}

/// Like [`rotate_keys`], in the caller's transaction.
pub fn rotate_keys_in(tx: &mut Tx<'_>, sealer: &Sealer, now: Time) -> Result<Time, StoreError> {
    if let Some(proof) = rotate::by_operator(tx)? {
        rotate::act(tx, proof, sealer, now)?;
    }
    keys::stored(tx)?.next_signs_from().ok_or(StoreError::Stopped)
}

/// Removes all active phones of a person, and ends sessions, known browsers, passes and API tokens. Returns the number of
/// removed phones.
///
/// # Errors
/// No person has that user name, or the database failed.
pub fn reset_methods(store: &Store, user_name: &str, now: Time) -> Result<usize, AppError> {
    match administer(store, user_name, Act::Reset, now)? {
        Done::Reset(removed) => Ok(removed),
        _ => Err(AppError::NotPossible),
    }
}
