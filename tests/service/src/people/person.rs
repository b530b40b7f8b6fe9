//! A person of the organization, and the comparison of user names.

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::passwords::{self, Decoy};
use crate::secrets::{SecretError, encode, random_id};

/// A person of the organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    /// A random id that is never reused. Phones and applications identify the account by this id.
    pub account_id: String,
    /// The user name as it was entered. Comparisons use [`folded`].
    pub user_name: String,
    /// The name shown to people.
    pub display_name: String,
    password: String,
    /// When the password was last changed.
    pub password_changed_at: Time,
    /// When the account was last unblocked, by a phone or by an administrator. Wrong numbers before this time do not
    /// count.
    pub unblocked_at: Time,
    /// When the person last opened the app.
    pub opened_at: Time,
    /// When the person reported a ceremony with the origin `password_proved`. Until the password changes, the password
    /// is refused in unknown browsers.
    pub reported_at: Option<Time>,
    /// The ids of the person's groups.
    pub groups: Vec<String>,
    /// Whether the person is an administrator.
    pub is_administrator: bool,
    /// Whether the person is suspended. A suspended person can't sign in.
    pub suspended: bool,
    /// Whether the person must change the password at the next sign-in, because the person did not choose this
    /// password.
    pub must_change_password: bool,
}

impl Person {
    /// Creates a person. Slow, because it hashes the password: call it on a blocking thread.
    pub fn new(user_name: &str, display_name: &str, password: &str, now: Time) -> Result<Self, SecretError> {
        Ok(Self {
            account_id: random_id()?,
            user_name: user_name.trim().to_owned(),
            display_name: display_name.to_owned(),
            password: passwords::hash(password)?.text().to_owned(),
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
    /// Returns whether a typed password is correct. Slow: call it on a blocking thread.
    #[must_use]
    pub fn has_password(&self, typed: &str) -> bool {
        passwords::verify_password(typed, &self.password)
    }

    /// Returns whether the password is unchanged. `later`: the record of the same person, read from the database again.
    #[must_use]
    pub fn has_same_password(&self, later: &Self) -> bool {
        self.account_id == later.account_id && self.password == later.password
    }

    /// Adds the person to a group if `joins` is true, else removes the person from the group.
    pub fn change_group(&mut self, id: &str, joins: bool) {
        self.groups.retain(|group| group != id);
        if joins {
            self.groups.push(id.to_owned());
        }
    }

    /// Sets a new password. Clears `reported_at` and `must_change_password`, because both values concern the old
    /// password.
    pub fn set_password(&mut self, hash: &passwords::Hash, now: Time) {
        hash.text().clone_into(&mut self.password);
        self.password_changed_at = now;
        self.reported_at = None;
        self.must_change_password = false;
    }
}

/// Returns the hash with which a typed password is compared: the hash of the person's password, or the decoy for an
/// unknown user name.
pub fn password_hash(person: Option<&Person>, decoy: &Decoy) -> String {
    person.map_or_else(|| decoy.hash().to_owned(), |person| person.password.clone())
}

/// Normalizes a user name for comparison: trimmed, lower case.
#[must_use]
pub fn folded(user_name: &str) -> String {
    user_name.trim().to_lowercase()
}

/// Returns the keyed hash of a typed user name, for records that must not contain the user name.
#[must_use]
pub fn keyed(key: &hmac::Key, typed_name: &str) -> String {
    encode(hmac::sign(key, folded(typed_name).as_bytes()).as_ref())
}
