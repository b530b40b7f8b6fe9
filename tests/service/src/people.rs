//! People and their passwords.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::clock::{HOUR, Time};
use crate::secrets::{SecretError, encode, random_id};
use crate::store::{Record, StoreError, Table, Tx};

/// Wrong passwords in an hour after which even the right one is refused for the rest of it.
const MAX_WRONG_PASSWORDS: usize = 10;
/// Password hashing: 19 MiB, two passes, the OWASP minimum.
const PASSWORD_MEMORY_KIB: u32 = 19_456;
const PASSWORD_PASSES: u32 = 2;
/// All people stand under one parent, to be listed.
const EVERYBODY: &str = "";

/// A person of the organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    /// Given once, never reused; what phones and relying parties know the account by.
    pub account_id: String,
    /// As typed at sign-in.
    pub user_name: String,
    /// As shown.
    pub display_name: String,
    password: String,
    /// When the password was last changed.
    pub password_changed_at: Time,
    /// When wrong numbers were last forgiven.
    pub unblocked_at: Time,
    /// When the person last opened the app.
    pub opened_at: Time,
    /// When a password-proved sign-in was reported; refused from unknown browsers until the password changes.
    pub reported_at: Option<Time>,
    /// Ids of the groups they are in.
    pub groups: Vec<String>,
    /// Whether they decide for others.
    pub is_administrator: bool,
    /// Whether they may not sign in at present.
    pub suspended: bool,
    /// Whether their password was made for them and must be changed before anything else.
    pub must_change_password: bool,
}

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

/// The same name however it was typed.
#[must_use]
pub fn folded(user_name: &str) -> String {
    user_name.trim().to_lowercase()
}

impl Person {
    /// A new person.
    pub fn new(user_name: &str, display_name: &str, password: &str, now: Time) -> Result<Self, SecretError> {
        Ok(Self {
            account_id: random_id()?,
            user_name: user_name.trim().to_owned(),
            display_name: display_name.to_owned(),
            password: hash(password)?.0,
            password_changed_at: now,
            unblocked_at: 0,
            opened_at: 0,
            reported_at: None,
            groups: Vec::new(),
            is_administrator: false,
            suspended: false,
            must_change_password: false,
        })
    }
}

impl Person {
    /// Compares with the password; slow, for a blocking thread.
    #[must_use]
    pub fn has_password(&self, typed: &str) -> bool {
        verify_password(typed, &self.password)
    }

    /// Whether the password was not changed between two readings.
    #[must_use]
    pub fn has_same_password(&self, later: &Self) -> bool {
        self.account_id == later.account_id && self.password == later.password
    }

    /// From now on this password, of the person's own choice.
    pub fn set_password(&mut self, hash: Hash, now: Time) {
        self.password = hash.0;
        self.password_changed_at = now;
        self.reported_at = None;
        self.must_change_password = false;
    }
}

/// Everybody, by account id, in the order they were added.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Person>, StoreError> {
    tx.children(EVERYBODY)
}

fn hasher() -> Result<Argon2<'static>, SecretError> {
    let params = Params::new(PASSWORD_MEMORY_KIB, PASSWORD_PASSES, 1, None).map_err(|_range| SecretError)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A hashed password.
pub struct Hash(String);

/// Hashes a password; slow, for a blocking thread.
pub fn hash(password: &str) -> Result<Hash, SecretError> {
    Ok(Hash(hasher()?.hash_password(password.as_bytes()).map_err(|_library| SecretError)?.to_string()))
}

/// The hash that a name nobody has is checked against, so that it costs the same.
pub struct Decoy(String);

impl Decoy {
    /// Hashes something nobody types.
    pub fn new() -> Result<Self, SecretError> {
        Ok(Self(hash(&random_id()?)?.0))
    }
}

/// Stores a new person; false when the user name is taken.
pub fn add(tx: &mut Tx<'_>, person: &Person) -> Result<bool, StoreError> {
    let name = UserName { name: folded(&person.user_name), account_id: person.account_id.clone() };
    if !tx.insert(&name)? {
        return Ok(false);
    }
    tx.put(person)?;
    Ok(true)
}

/// The person with this user name.
pub fn find(tx: &mut Tx<'_>, user_name: &str) -> Result<Option<Person>, StoreError> {
    match tx.get::<UserName>(&folded(user_name))? {
        Some(name) => tx.get(&name.account_id),
        None => Ok(None),
    }
}

/// What to compare a password with: somebody's hash, or the decoy.
pub fn password_hash(person: Option<&Person>, decoy: &Decoy) -> String {
    person.map_or_else(|| decoy.0.clone(), |person| person.password.clone())
}

/// Compares a password with a hash; slow, for a blocking thread.
#[must_use]
pub fn verify_password(password: &str, hash: &str) -> bool {
    let (Ok(hasher), Ok(hash)) = (hasher(), PasswordHash::new(hash)) else {
        return false;
    };
    hasher.verify_password(password.as_bytes(), &hash).is_ok()
}

/// The wrong passwords of a typed name, whether somebody has it or not: both cost the same, and tell the same.
#[derive(Debug, Serialize, Deserialize)]
struct PasswordTries {
    /// A keyed hash of the name: names that were only tried must not be kept.
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

/// Counts one password among the wrong ones of the last hour, and says whether it may let anybody in.
///
/// While the name is closed nothing is counted, or somebody who keeps guessing would keep it closed for ever.
#[must_use]
pub fn may_let_in(wrong: &mut Vec<Time>, right: bool, now: Time) -> bool {
    wrong.retain(|at| now - at < HOUR);
    let allowed = wrong.len() < MAX_WRONG_PASSWORDS;
    match (right, allowed) {
        (false, true) => wrong.push(now),
        (true, true) => wrong.clear(),
        (_, false) => {}
    }
    right && allowed
}

/// Counts a password that was tried for a typed name, and says whether it lets its person in.
pub fn count_password(
    tx: &mut Tx<'_>,
    key: &hmac::Key,
    typed_name: &str,
    right: bool,
    now: Time,
) -> Result<bool, StoreError> {
    let id = keyed(key, typed_name);
    let mut wrong = tx.get::<PasswordTries>(&id)?.map(|tries| tries.wrong).unwrap_or_default();
    let lets_in = may_let_in(&mut wrong, right, now);
    tx.put(&PasswordTries { id, wrong, expires_at: now + HOUR })?;
    Ok(lets_in)
}

/// What a typed name is remembered by where it must not be kept.
#[must_use]
pub fn keyed(key: &hmac::Key, typed_name: &str) -> String {
    encode(hmac::sign(key, folded(typed_name).as_bytes()).as_ref())
}
