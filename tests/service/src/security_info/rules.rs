//! The rules of changing an account, pure: how long an approval lets a session change something.

use crate::clock::{MINUTE, Time};
use crate::sign_in::session::Session;

/// An approval this young lets a session change its methods.
const FRESH: Time = 10 * MINUTE;

impl Session {
    /// Whether the person signed in, or approved a number for it, in the last ten minutes.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        self.approved_at.is_some_and(|at| now - at < FRESH)
    }

    /// Whether adding a method was approved in the last ten minutes.
    #[must_use]
    pub fn may_add(&self, now: Time) -> bool {
        self.may_add_at.is_some_and(|at| now - at < FRESH)
    }
}
