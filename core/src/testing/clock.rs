//! A clock that stands still until it is told to move.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::{Clock, Timestamp};

/// Wall time and time since boot, moved by hand.
#[derive(Debug)]
pub struct FakeClock {
    now: AtomicU64,
    since_boot: AtomicU64,
}

impl FakeClock {
    /// Starts at a time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { now: AtomicU64::new(now.0), since_boot: AtomicU64::new(1_000) }
    }

    /// Time passes.
    pub fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
        self.since_boot.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The person sets the wall clock; no time passes.
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
