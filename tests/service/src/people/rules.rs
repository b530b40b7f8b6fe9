//! The rules of passwords, as pure functions: which passwords a person may choose, and when guessing is stopped.

use crate::clock::{HOUR, Time};

/// After this many wrong passwords within an hour, the user name is closed: even the correct password is refused until
/// the oldest of the wrong passwords is an hour old.
const MAX_WRONG_PASSWORDS: usize = 10;

/// Counts one password that was typed for a user name. `wrong`: the times of the wrong passwords so far. A wrong
/// password adds a time, and a correct password deletes all times. Returns whether the password is accepted.
///
/// Nothing is counted while the user name is closed. Otherwise an attacker could keep the user name closed forever by
/// guessing.
#[must_use]
pub fn accepts_password(wrong: &mut Vec<Time>, right: bool, now: Time) -> bool {
    wrong.retain(|at| now - at < HOUR);
    // GUARD(password-tries): known_or_unknown_name_is_refused_after_ten_wrong_passwords
    // INSTEAD: let allowed = wrong.len() < usize::MAX;
    let allowed = wrong.len() < MAX_WRONG_PASSWORDS;
    match (right, allowed) {
        (false, true) => wrong.push(now),
        (true, true) => wrong.clear(),
        (_, false) => {}
    }
    right && allowed
}

/// The shortest password that a person may choose, in characters. NIST SP 800-63B-4 requires 15 for a password that is
/// used without a second factor.
const SHORTEST: usize = 15;
const LONGEST: usize = 256;

/// Why a chosen password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The password has fewer than 15 characters.
    TooShort,
    /// The password has more than 256 characters.
    TooLong,
}

/// Checks whether a person may choose this password.
///
/// # Errors
/// The reason why the password is refused.
pub fn fits(password: &str) -> Result<(), Unfit> {
    match password.chars().count() {
        length if length < SHORTEST => Err(Unfit::TooShort),
        length if length > LONGEST => Err(Unfit::TooLong),
        _ => Ok(()),
    }
}
