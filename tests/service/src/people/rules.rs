//! The rules of passwords, pure: which one a person may choose, and when guessing ends.

use crate::clock::{HOUR, Time};

/// Wrong passwords in an hour after which even the right one is refused for the rest of it.
const MAX_WRONG_PASSWORDS: usize = 10;

/// Counts one password among the wrong ones of the last hour, and says whether it may let anybody in.
///
/// While the name is closed nothing is counted, or somebody who keeps guessing would keep it closed for ever.
#[must_use]
pub fn may_let_in(wrong: &mut Vec<Time>, right: bool, now: Time) -> bool {
    wrong.retain(|at| now - at < HOUR);
    // GUARD(password-tries): wrong_passwords_close_a_name_whether_somebody_has_it_or_not
    // INSTEAD: let allowed = wrong.len() < usize::MAX;
    let allowed = wrong.len() < MAX_WRONG_PASSWORDS;
    match (right, allowed) {
        (false, true) => wrong.push(now),
        (true, true) => wrong.clear(),
        (_, false) => {}
    }
    right && allowed
}

/// Shortest password that a person may choose, in characters (NIST SP 800-63B-4 asks for 15 where nothing else is).
const SHORTEST: usize = 15;
const LONGEST: usize = 256;

/// Why a person may not choose a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Fewer than 15 characters.
    TooShort,
    /// More than 256 characters.
    TooLong,
}

/// Whether a person may choose this password.
///
/// # Errors
/// Why not.
pub fn fits(password: &str) -> Result<(), Unfit> {
    match password.chars().count() {
        length if length < SHORTEST => Err(Unfit::TooShort),
        length if length > LONGEST => Err(Unfit::TooLong),
        _ => Ok(()),
    }
}
