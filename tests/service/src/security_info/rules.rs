//! The rules of changing an account, as pure functions. A session may change the account for a limited time after an
//! approval.

use crate::clock::{MINUTE, Time};
use crate::sign_in::session::{Session, Used};

/// For this long after an approval, a session may ask for changes of the account.
const FRESH: Time = 10 * MINUTE;

impl Session {
    /// Returns whether, in the last ten minutes, a phone approved the sign-in or a change in this session.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        self.approved.as_ref().is_some_and(|approved| now - approved.at < FRESH)
    }

    /// Returns whether the session started with a pass in the last ten minutes. Such a session may see the account, to
    /// add a phone with the pass.
    #[must_use]
    pub fn is_by_fresh_pass(&self, now: Time) -> bool {
        self.used == Used::Pass && now - self.given.at < FRESH
    }
}
