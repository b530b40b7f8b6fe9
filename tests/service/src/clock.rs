//! The service's clock. It is a trait, so that tests can change the time.

use std::sync::atomic::{AtomicI64, Ordering};

/// Seconds since 1970, UTC.
pub type Time = i64;

/// One minute.
pub const MINUTE: Time = 60;
/// One hour.
pub const HOUR: Time = 60 * MINUTE;
/// One day.
pub const DAY: Time = 24 * HOUR;

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Time;
}

/// The operating system's clock, shifted by an offset that tests set.
#[derive(Debug, Default)]
pub struct SystemClock {
    offset: AtomicI64,
}

impl SystemClock {
    /// Moves this clock forward.
    pub fn advance(&self, seconds: Time) {
        self.offset.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = Time::try_from(since.as_secs()).unwrap_or(Time::MAX);
        now.saturating_add(self.offset.load(Ordering::SeqCst))
    }
}
