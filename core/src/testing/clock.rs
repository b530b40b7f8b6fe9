//! A fake clock. Its time changes only when a test changes it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::{Clock, Timestamp};

/// Wall time and time since boot, which change only by `advance` and `set`.
#[derive(Debug)]
pub struct FakeClock {
    now: AtomicU64,
    since_boot: AtomicU64,
}

impl FakeClock {
    /// Creates a clock that shows this wall time, and 1,000 seconds since boot.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { now: AtomicU64::new(now.0), since_boot: AtomicU64::new(1_000) }
    }

    /// Adds seconds to the wall time and to the time since boot.
    pub fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
        self.since_boot.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets the wall time, as a person does in the settings. The time since boot does not change.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn since_boot(&self) -> Duration {
        Duration::from_secs(self.since_boot.load(Ordering::SeqCst))
    }
}
