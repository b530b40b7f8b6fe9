//! The rules of signing in, as pure functions: how long a proof counts, and what makes it invalid.

use crate::clock::{MINUTE, Time};
use crate::people::person::Person;
use crate::provenance::Giver;
use crate::sign_in::attempt::{Attempt, Proven};

/// For this long after a proof by password or pass, the browser may start prompts with it.
const PROOF_LIFE: Time = 10 * MINUTE;

impl Proven {
    /// Returns whether the proof was given in the last ten minutes.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        now - self.given.at < PROOF_LIFE
    }

    /// Returns whether the proof is still valid: the password was not changed since, and the person is not suspended. A
    /// new password does not end a proof by pass.
    #[must_use]
    pub fn still_counts(&self, person: &Person) -> bool {
        let same_password = match self.given.by {
            Giver::Password(since) => since == person.password_changed_at,
            Giver::Pass(_) => true,
            Giver::Approval(_) | Giver::DeviceKey(_) | Giver::Operator | Giver::Unrecorded => false,
        };
        same_password && !person.suspended
    }

    /// Returns whether the person typed a pass.
    #[must_use]
    pub fn is_by_pass(&self) -> bool {
        matches!(self.given.by, Giver::Pass(_))
    }
}

impl Attempt {
    /// Returns the account of the proof, if the proof was given in the last ten minutes.
    #[must_use]
    pub fn account(&self, now: Time) -> Option<&str> {
        self.proven.as_ref().filter(|proven| proven.is_fresh(now)).map(|proven| proven.account_id.as_str())
    }
}
