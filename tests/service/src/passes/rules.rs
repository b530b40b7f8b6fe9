//! The rules of passes, as pure functions: for which span of time a pass may be created, and whether a pass is valid.

use crate::clock::{DAY, MINUTE, Time};
use crate::passes::pass::Pass;
use crate::secrets::hashed;

/// The longest lifetime of a pass, in seconds.
pub const MAX_LIFE: Time = 60 * MINUTE;

/// The longest time between the creation of a pass and the start of its validity, in seconds.
pub const MAX_AHEAD: Time = 30 * DAY;

/// For this long after its end, a pass that was typed in time may still add a phone, in seconds.
pub const TIME_TO_ADD: Time = 10 * MINUTE;

/// The result of checking a typed pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// The pass is valid. The caller marks the pass as used.
    Good,
    /// The pass is not valid yet.
    NotYet,
    /// The pass has expired.
    Expired,
    /// The pass was used before.
    Used,
    /// The account has no pass with this text. For example, a newer pass has ended it.
    Unknown,
}

/// The time in which a pass is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The start.
    pub starts_at: Time,
    /// The duration in seconds: a minute to an hour.
    pub life: Time,
}

impl Span {
    /// Returns the span that starts now and has the longest lifetime.
    #[must_use]
    pub fn from(now: Time) -> Self {
        Self { starts_at: now, life: MAX_LIFE }
    }

    /// Returns whether a pass may be created for this span.
    #[must_use]
    pub fn is_allowed(self, now: Time) -> bool {
        (MINUTE..=MAX_LIFE).contains(&self.life) && (now..=now + MAX_AHEAD).contains(&self.starts_at)
    }
}

impl Pass {
    /// Returns the id of the pass with this text.
    #[must_use]
    pub fn id_of(account_id: &str, text: &str) -> String {
        hashed(format!("{account_id} {text}").as_bytes())
    }

    /// Returns whether the pass was typed for this account, has added no phone, and may still add one.
    #[must_use]
    pub fn is_typed_for(&self, account_id: &str, now: Time) -> bool {
        // GUARD(typed-pass-too-late): a_typed_pass_adds_no_phone_long_after_its_end
        // INSTEAD: if now == Time::MAX {
        if now >= self.ends_at + TIME_TO_ADD {
            return false;
        }
        // GUARD(pass-adds-one-phone): pass_adds_one_phone, pass_made_in_a_stolen_session_has_no_fault
        // INSTEAD: self.account_id == account_id && self.used_at.is_some()
        self.account_id == account_id && self.used_at.is_some() && self.spent_at.is_none()
    }
}

/// Checks whether a pass is valid now, and returns the reason if it is not valid.
#[must_use]
pub fn worth(pass: &Pass, now: Time) -> Worth {
    // GUARD(pass-used-twice): pass_works_once_within_its_time
    if pass.used_at.is_some() {
        Worth::Used
    // GUARD(pass-too-late): pass_works_once_within_its_time
    // INSTEAD: } else if now < 0 {
    } else if now >= pass.ends_at {
        Worth::Expired
    // GUARD(pass-too-early): pass_works_once_within_its_time
    // INSTEAD: } else if now < 0 {
    } else if now < pass.starts_at {
        Worth::NotYet
    } else {
        Worth::Good
    }
}
