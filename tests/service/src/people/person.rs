//! A person of the organization, and the comparison of user names.

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::passwords::{self, Decoy};
use crate::people::changes::Changes;
use crate::provenance::{ApprovedBy, Given, add_new};
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
    /// Whether no password is right, because somebody else has seen the first one.
    #[serde(default)]
    password_ended: bool,
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
    /// What made the person an administrator.
    pub administrator_by: Option<Given>,
    /// What added the person. `None` if version 0.1 added the person.
    pub added_by: Option<Given>,
    /// When the role was given and removed, and by what.
    #[serde(default)]
    role_changes: Changes,
    /// When the person was suspended and resumed, and by what.
    #[serde(default)]
    suspension_changes: Changes,
    /// What ended the last suspension.
    pub resumed_by: Option<Given>,
    /// The approvals of the last month that removed phones. They are also behind the next first phone.
    #[serde(default)]
    pub phones_removed_by: Vec<ApprovedBy>,
    /// Whether the next first phone needs a pass, because an approval that removed a phone, or that added one, has fallen.
    #[serde(default)]
    pub needs_pass: bool,
    /// What added the person to groups: the group's id, and what did it.
    #[serde(default)]
    joined_by: Vec<(String, Given)>,
    /// What last unblocked the account, if an administrator did.
    pub unblocked_by: Option<Given>,
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
            password_ended: false,
            password_changed_at: now,
            unblocked_at: 0,
            opened_at: 0,
            reported_at: None,
            groups: Vec::new(),
            is_administrator: false,
            administrator_by: None,
            added_by: None,
            role_changes: Changes::default(),
            suspension_changes: Changes::default(),
            resumed_by: None,
            joined_by: Vec::new(),
            phones_removed_by: Vec::new(),
            needs_pass: false,
            unblocked_by: None,
            suspended: false,
            must_change_password: false,
        })
    }
}

impl Person {
    /// Returns whether a typed password is correct. Slow: call it on a blocking thread.
    #[must_use]
    pub fn has_password(&self, typed: &str) -> bool {
        passwords::verify_password(typed, &self.password) && !self.password_ended
    }

    /// Makes every password wrong until a new one is set. Ends the proofs by the password so far.
    pub fn end_password(&mut self, now: Time) {
        self.password_ended = true;
        self.password_changed_at = now.max(self.password_changed_at.saturating_add(1));
        self.must_change_password = false;
    }

    /// Returns whether the password is unchanged. `later`: the record of the same person, read from the database again.
    #[must_use]
    pub fn has_same_password(&self, later: &Self) -> bool {
        self.account_id == later.account_id && self.password == later.password
    }

    /// Makes the person an administrator.
    pub fn give_role(&mut self, given: Given) {
        self.role_changes.add(true, given.clone(), self.administrator_by.take());
        (self.is_administrator, self.administrator_by) = (true, Some(given));
    }

    /// Removes the role, and remembers what gave it. `removed_by`: what removes the role.
    pub fn remove_role(&mut self, removed_by: Given) {
        self.role_changes.add(false, removed_by, self.administrator_by.take());
        self.is_administrator = false;
    }

    /// Returns whether the person can't become an administrator, because the role was changed too often.
    #[must_use]
    pub fn is_role_fixed(&self, now: Time) -> bool {
        self.role_changes.is_full(now)
    }

    /// Ends a role that a fallen approval gave, and forgets it. If a fallen approval had also removed an earlier role,
    /// the person has that role again. `fell`: whether a change has fallen that gave (true) or took the role.
    pub fn take_role_back(&mut self, fell: impl Fn(bool, &Given) -> bool) {
        let restored = self.role_changes.take_back(&fell);
        if self.administrator_by.as_ref().is_some_and(|given| fell(true, given)) {
            self.is_administrator = restored.is_some();
            self.administrator_by = restored;
        }
    }

    /// Suspends the person.
    pub fn suspend(&mut self, given: Given) {
        self.suspension_changes.add(false, given, self.activity());
        self.suspended = true;
    }

    /// Ends the suspension.
    pub fn resume(&mut self, given: Given) {
        self.suspension_changes.add(true, given.clone(), self.activity());
        (self.suspended, self.resumed_by) = (false, Some(given));
    }

    /// Returns what lets the person sign in, or `None` if the person is suspended.
    fn activity(&self) -> Option<Given> {
        let resumed_by = || self.resumed_by.clone().unwrap_or_else(|| Given::unrecorded(Time::MIN));
        (!self.suspended).then(resumed_by)
    }

    /// Returns whether a suspension of the person can't be ended, because the person was suspended too often.
    #[must_use]
    pub fn is_suspension_fixed(&self, now: Time) -> bool {
        self.suspension_changes.is_full(now)
    }

    /// Returns whether the person would be suspended if the fallen approvals had not been given. `fell`: whether the end
    /// (true) or the start of a suspension has fallen.
    pub fn was_resumed_by_fallen(&self, fell: impl Fn(bool, &Given) -> bool) -> bool {
        self.suspension_changes.is_by_fallen(&fell) && !self.suspension_changes.is_allowed_without(fell)
    }

    /// Forgets the suspensions, and the ends of suspensions, that have fallen. `fell`: as for
    /// `was_resumed_by_fallen`.
    pub fn take_suspensions_back(&mut self, fell: impl Fn(bool, &Given) -> bool) {
        let restored = self.suspension_changes.take_back(&fell);
        if self.resumed_by.as_ref().is_some_and(|given| fell(true, given)) {
            self.resumed_by = restored;
        }
    }

    /// Records that wrong numbers before `at` do not count, and what decided this.
    pub fn set_unblocked(&mut self, given: Option<Given>, at: Time) {
        (self.unblocked_at, self.unblocked_by) = (at, given);
    }

    /// Adds the person to a group. The first of several additions counts.
    pub fn join(&mut self, group: &str, given: Given) {
        if !self.groups.iter().any(|one| one == group) {
            self.groups.push(group.to_owned());
            self.joined_by.push((group.to_owned(), given));
        }
    }

    /// Removes the person from a group.
    pub fn leave(&mut self, group: &str) {
        self.groups.retain(|one| one != group);
        self.joined_by.retain(|(one, _)| one != group);
    }

    /// Returns the groups whose addition was recorded, with what added the person.
    pub fn joined_by(&self) -> impl Iterator<Item = (&String, &Given)> {
        self.joined_by.iter().map(|(group, given)| (group, given))
    }

    /// Returns the groups that a fallen approval has added the person to. `fell`: whether what gave a grant has fallen.
    pub fn joined_by_fallen(&self, fell: impl Fn(&Given) -> bool) -> Vec<String> {
        self.joined_by.iter().filter(|(_, given)| fell(given)).map(|(group, _)| group.clone()).collect()
    }

    /// Returns the approvals without which the person could not act as an administrator: behind the role, the account,
    /// and the end of the last suspension.
    #[must_use]
    pub fn standing(&self) -> Vec<ApprovedBy> {
        let mut approvals = Vec::new();
        for given in [&self.administrator_by, &self.added_by, &self.resumed_by].into_iter().flatten() {
            add_new(&mut approvals, given.approvals());
        }
        approvals
    }

    /// Sets a new password. Clears `reported_at` and `must_change_password`, because both values concern the old
    /// password.
    pub fn set_password(&mut self, hash: &passwords::Hash, now: Time) {
        hash.text().clone_into(&mut self.password);
        // Two changes in one second have different times, so that a proof by the first password does not count.
        self.password_changed_at = now.max(self.password_changed_at.saturating_add(1));
        self.reported_at = None;
        self.password_ended = false;
        self.must_change_password = false;
    }
}

/// Returns the hash with which a typed password is compared: the hash of the person's password, or the decoy for an
/// unknown user name and for a password that has ended.
pub fn password_hash(person: Option<&Person>, decoy: &Decoy) -> String {
    let person = person.filter(|person| !person.password_ended);
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
