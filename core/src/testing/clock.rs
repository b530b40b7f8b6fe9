//! A fake clock, which only tests change.

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
    /// Starts at wall time `now`, 1,000 seconds after boot.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { now: AtomicU64::new(now.0), since_boot: AtomicU64::new(1_000) }
    }

    /// Lets `seconds` pass on both clocks.
    pub fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
        self.since_boot.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets the wall clock, as a person does in the settings; no time passes.
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
