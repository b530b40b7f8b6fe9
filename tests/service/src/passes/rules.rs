//! The rules of passes, pure: for which time one may be made, and what one is worth.

use crate::clock::{DAY, MINUTE, Time};
use crate::passes::pass::Pass;

/// Longest life.
pub const MAX_LIFE: Time = 60 * MINUTE;

/// Furthest start.
pub const MAX_AHEAD: Time = 30 * DAY;

/// What a typed pass is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It counts, now and never again.
    Good,
    /// It counts later.
    NotYet,
    /// Its time is over.
    Expired,
    /// It was used.
    Used,
    /// Nobody made it, or a newer one ended it.
    Unknown,
}

/// When a pass counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From when on.
    pub starts_at: Time,
    /// For how long, in seconds; at most an hour.
    pub life: Time,
}

impl Span {
    /// From now on, for the longest life.
    #[must_use]
    pub fn from(now: Time) -> Self {
        Self { starts_at: now, life: MAX_LIFE }
    }

    /// Whether a pass may be made for it.
    #[must_use]
    pub fn is_allowed(self, now: Time) -> bool {
        (MINUTE..=MAX_LIFE).contains(&self.life) && (now..=now + MAX_AHEAD).contains(&self.starts_at)
    }
}

/// What a pass is worth at a time.
#[must_use]
pub fn worth(pass: &Pass, now: Time) -> Worth {
    // GUARD(pass-used-twice): a_pass_counts_in_its_time_and_once
    if pass.used_at.is_some() {
        Worth::Used
    // GUARD(pass-too-late): a_pass_counts_in_its_time_and_once
    // INSTEAD: } else if now < 0 {
    } else if now >= pass.ends_at {
        Worth::Expired
    // GUARD(pass-too-early): a_pass_counts_in_its_time_and_once
    // INSTEAD: } else if now < 0 {
    } else if now < pass.starts_at {
        Worth::NotYet
    } else {
        Worth::Good
    }
}
