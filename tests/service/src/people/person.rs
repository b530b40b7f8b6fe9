//! A person of the organization, and how user names are compared.

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::passwords::{self, Decoy};
use crate::secrets::{SecretError, encode, random_id};

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

impl Person {
    /// A new person.
    pub fn new(user_name: &str, display_name: &str, password: &str, now: Time) -> Result<Self, SecretError> {
        Ok(Self {
            account_id: random_id()?,
            user_name: user_name.trim().to_owned(),
            display_name: display_name.to_owned(),
            password: passwords::hash(password)?.into_text(),
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
        passwords::verify_password(typed, &self.password)
    }

    /// Whether the password was not changed between two readings.
    #[must_use]
    pub fn has_same_password(&self, later: &Self) -> bool {
        self.account_id == later.account_id && self.password == later.password
    }

    /// From now on this password, of the person's own choice.
    pub fn set_password(&mut self, hash: passwords::Hash, now: Time) {
        self.password = hash.into_text();
        self.password_changed_at = now;
        self.reported_at = None;
        self.must_change_password = false;
    }
}

/// What to compare a password with: somebody's hash, or the decoy.
pub fn password_hash(person: Option<&Person>, decoy: &Decoy) -> String {
    person.map_or_else(|| decoy.hash().to_owned(), |person| person.password.clone())
}

/// The same name however it was typed.
#[must_use]
pub fn folded(user_name: &str) -> String {
    user_name.trim().to_lowercase()
}

/// What a typed name is remembered by where it must not be kept.
#[must_use]
pub fn keyed(key: &hmac::Key, typed_name: &str) -> String {
    encode(hmac::sign(key, folded(typed_name).as_bytes()).as_ref())
}
