//! The rules of changing an account, as pure functions: how long after an approval a session may change the account.

use crate::clock::{MINUTE, Time};
use crate::sign_in::session::Session;

/// How long after an approval a session may ask for changes of the account.
const FRESH: Time = 10 * MINUTE;

impl Session {
    /// Returns whether a phone approved the sign-in, or a change in this session, in the last ten minutes.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        self.approved_at.is_some_and(|at| now - at < FRESH)
    }

    /// Returns whether adding a method was approved, or a pass was used, in the last ten minutes.
    #[must_use]
    pub fn may_add(&self, now: Time) -> bool {
        self.may_add_at.is_some_and(|at| now - at < FRESH)
    }
}
