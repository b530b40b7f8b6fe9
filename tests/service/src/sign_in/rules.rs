//! The rules of signing in, pure: how long a proof and an approval count, and what takes them back.

use crate::clock::{MINUTE, Time};
use crate::people::person::Person;
use crate::sign_in::attempt::{Attempt, Proven, Secret};

/// A password or pass that was right may start further requests this long.
const PROOF_LIFE: Time = 10 * MINUTE;

impl Proven {
    /// Whether it was a short while ago.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        now - self.at < PROOF_LIFE
    }

    /// Whether it still says anything: by a password that was changed meanwhile nobody is proved to be anybody.
    #[must_use]
    pub fn still_counts(&self, person: &Person) -> bool {
        let same_password = self.by == Secret::Pass || self.password_since == person.password_changed_at;
        same_password && !person.suspended
    }
}

impl Attempt {
    /// Who proved a short while ago who they are.
    #[must_use]
    pub fn account(&self, now: Time) -> Option<&str> {
        self.proven.as_ref().filter(|proven| proven.is_fresh(now)).map(|proven| proven.account_id.as_str())
    }
}
