//! The rules of changing an account, as pure functions. A session may change the account for a limited time after an
//! approval.

use crate::clock::{MINUTE, Time};
use crate::sign_in::session::Session;

/// For this long after an approval, a session may ask for changes of the account.
const FRESH: Time = 10 * MINUTE;

impl Session {
    /// Returns whether, in the last ten minutes, a phone approved the sign-in or a change in this session.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        self.approved_at.is_some_and(|at| now - at < FRESH)
    }

    /// Returns whether, in the last ten minutes, adding a method was approved in this session or the session started
    /// with a pass.
    #[must_use]
    pub fn may_add(&self, now: Time) -> bool {
        self.may_add_at.is_some_and(|at| now - at < FRESH)
    }
}
