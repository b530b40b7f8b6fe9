//! A person of the organization, and the comparison of user names.

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::passwords::{self, Decoy};
use crate::provenance::{ApprovedBy, Given, add_new};
use crate::secrets::{SecretError, encode, random_id};

/// The changes of one membership.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct GroupChange {
    group: String,
    /// The approvals that have changed the membership and can still fall.
    by: Vec<ApprovedBy>,
    /// Whether one of them has fallen, and no administrator has decided since then.
    is_reported: bool,
}

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
    /// What ended the last suspension.
    pub resumed_by: Option<Given>,
    /// The approvals of the last month that removed phones. They are also behind the next first phone.
    #[serde(default)]
    pub phones_removed_by: Vec<ApprovedBy>,
    /// Whether the next first phone needs a pass, because an approval that removed a phone, or that added one, has fallen.
    #[serde(default)]
    pub needs_pass: bool,
    /// The changes of groups that can still fall, or that have fallen.
    #[serde(default)]
    group_changes: Vec<GroupChange>,
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
            resumed_by: None,
            group_changes: Vec::new(),
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
        let is_same = (&self.account_id, &self.password, self.password_changed_at)
            == (&later.account_id, &later.password, later.password_changed_at);
        // GUARD(ended-password-compared): a_password_that_has_ended_is_not_the_same
        // INSTEAD: is_same || self.password == later.password
        is_same && !later.password_ended
    }

    /// Makes the person an administrator.
    pub fn give_role(&mut self, given: Given) {
        (self.is_administrator, self.administrator_by) = (true, Some(given));
    }

    /// Removes the role, and what gave it.
    pub fn remove_role(&mut self) {
        (self.is_administrator, self.administrator_by) = (false, None);
    }

    /// Ends the suspension.
    pub fn resume(&mut self, given: Given) {
        (self.suspended, self.resumed_by) = (false, Some(given));
    }

    /// Records that wrong numbers before `at` do not count, and what decided this.
    pub fn set_unblocked(&mut self, given: Option<Given>, at: Time) {
        (self.unblocked_at, self.unblocked_by) = (at, given);
    }

    /// Adds the person to a group.
    pub fn join(&mut self, group: &str, given: &Given) {
        if !self.groups.iter().any(|one| one == group) {
            self.groups.push(group.to_owned());
            self.record_group(group, given);
        } else if self.is_reported(group) {
            self.record_group(group, given);
        }
    }

    /// Removes the person from a group.
    pub fn leave(&mut self, group: &str, given: &Given) {
        let was_in = self.groups.iter().any(|one| one == group);
        self.groups.retain(|one| one != group);
        if was_in || self.is_reported(group) {
            self.record_group(group, given);
        }
    }

    /// Records that an administrator or the operator has decided whether the person belongs to a group.
    fn record_group(&mut self, group: &str, given: &Given) {
        let mut by = match self.group_changes.iter().position(|change| change.group == group) {
            Some(at) => self.group_changes.remove(at).by,
            None => Vec::new(),
        };
        // After a decision by the operator, the earlier ones make no difference.
        let by_operator = given.approvals().is_empty();
        by.retain(|approval| !by_operator && !approval.is_settled(given.at));
        add_new(&mut by, given.approvals());
        self.group_changes.push(GroupChange { group: group.to_owned(), by, is_reported: false });
    }

    /// Returns whether a change of the membership of this group has fallen, and no administrator has decided since then.
    #[must_use]
    pub fn is_reported(&self, group: &str) -> bool {
        self.group_changes.iter().any(|change| change.is_reported && change.group == group)
    }

    /// Marks the groups whose changes have fallen, and returns them.
    pub fn report_groups(&mut self, fell: impl Fn(&ApprovedBy) -> bool) -> Vec<String> {
        let mut reported = Vec::new();
        for change in self.group_changes.iter_mut().filter(|change| change.by.iter().any(&fell)) {
            change.is_reported = true;
            change.by.retain(|approval| !fell(approval));
            reported.push(change.group.clone());
        }
        reported
    }

    /// Returns the groups of the person, and, if changes have fallen, also the groups without those that the person
    /// has joined, and with those that the person has left. The policy applies whatever is strictest.
    #[must_use]
    pub fn possible_groups(&self) -> Vec<Vec<String>> {
        self.groups_without(|change| change.is_reported)
    }

    /// Returns the groups of the person, the groups before recent joinings, and the groups before recent leavings.
    #[must_use]
    pub fn recent_groups(&self, now: Time) -> Vec<Vec<String>> {
        self.groups_without(|change| change.by.iter().any(|approval| !approval.is_settled(now)))
    }

    /// Returns the approvals of recent changes of groups.
    pub fn groups_changed_by(&self, now: Time) -> impl Iterator<Item = &ApprovedBy> {
        self.group_changes.iter().flat_map(|change| &change.by).filter(move |approval| !approval.is_settled(now))
    }

    fn groups_without(&self, is_changed: impl Fn(&GroupChange) -> bool) -> Vec<Vec<String>> {
        let changed: Vec<&String> =
            self.group_changes.iter().filter(|change| is_changed(change)).map(|change| &change.group).collect();
        let mut possible = vec![self.groups.clone()];
        if !changed.is_empty() {
            let (joined, left): (Vec<&String>, Vec<&String>) =
                changed.into_iter().partition(|group| self.groups.contains(group));
            let before: Vec<String> = self.groups.iter().filter(|group| !joined.contains(group)).cloned().collect();
            possible.push(before.iter().chain(left.iter().copied()).cloned().collect());
            possible.push(before);
            possible.push(self.groups.iter().chain(left).cloned().collect());
        }
        possible
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
