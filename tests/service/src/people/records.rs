//! Stores people and their user names, and counts wrong passwords.

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::clock::{HOUR, Time};
use crate::people::person::{Person, folded, keyed};
use crate::people::rules::accepts_password;
use crate::store::{Record, StoreError, Table, Tx};

/// All people have the same parent, so that they can be listed.
const EVERYBODY: &str = "";

impl Record for Person {
    const TABLE: Table = Table::People;

    fn id(&self) -> &str {
        &self.account_id
    }

    fn parent(&self) -> &str {
        EVERYBODY
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}

#[derive(Serialize, Deserialize)]
struct UserName {
    name: String,
    account_id: String,
}

impl Record for UserName {
    const TABLE: Table = Table::UserNames;

    fn id(&self) -> &str {
        &self.name
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }
}

/// Returns all people, in the order in which they were added.
pub fn everybody(tx: &mut Tx<'_>) -> Result<Vec<Person>, StoreError> {
    tx.children(EVERYBODY)
}

/// Stores a new person. Returns false if the user name is taken.
pub fn add(tx: &mut Tx<'_>, person: &Person) -> Result<bool, StoreError> {
    let name = UserName { name: folded(&person.user_name), account_id: person.account_id.clone() };
    if !tx.insert_if_new(&name)? {
        return Ok(false);
    }
    tx.insert(person)?;
    Ok(true)
}

/// Deletes a person and the user name.
pub fn delete(tx: &mut Tx<'_>, account_id: &str) -> Result<(), StoreError> {
    let Some(person) = tx.get::<Person>(account_id)? else {
        return Ok(());
    };
    tx.delete::<UserName>(&folded(&person.user_name))?;
    tx.delete::<Person>(account_id).map(|_was_there| ())
}

/// Returns the person with this user name.
pub fn find(tx: &mut Tx<'_>, user_name: &str) -> Result<Option<Person>, StoreError> {
    match tx.get::<UserName>(&folded(user_name))? {
        Some(name) => tx.get(&name.account_id),
        None => Ok(None),
    }
}

/// The times of the wrong passwords for a typed user name. Wrong passwords are counted for unknown user names too, so
/// that neither the response nor the response time shows which user names exist.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PasswordTries {
    /// The keyed hash of the typed user name, because the database must not contain user names that someone only tried.
    id: String,
    wrong: Vec<Time>,
    expires_at: Time,
}

impl Record for PasswordTries {
    const TABLE: Table = Table::PasswordTries;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        ""
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

/// Counts a password that was typed for a user name. `right`: whether the password is correct. Returns whether the
/// password is accepted.
pub fn count_password(
    tx: &mut Tx<'_>,
    key: &hmac::Key,
    typed_name: &str,
    right: bool,
    now: Time,
) -> Result<bool, StoreError> {
    let id = keyed(key, typed_name);
    let mut wrong = tx.get::<PasswordTries>(&id)?.map(|tries| tries.wrong).unwrap_or_default();
    let lets_in = accepts_password(&mut wrong, right, now);
    let tries = PasswordTries { id, wrong, expires_at: now + HOUR };
    tx.insert_or_update(&tries, |stored| *stored = tries.clone())?;
    Ok(lets_in)
}
