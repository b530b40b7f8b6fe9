//! Time, always handed in: wall time for what is compared with a service, time since boot for durations.

use std::time::Duration;

/// Whole seconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Timestamp(pub u64);

// `Instant` in Kotlin, `Date` in Swift.
#[cfg(feature = "uniffi")]
uniffi::custom_type!(Timestamp, std::time::SystemTime, {
    lower: |time| std::time::UNIX_EPOCH.checked_add(Duration::from_secs(time.0)).unwrap_or(std::time::UNIX_EPOCH),
    try_lift: |time| Ok(Timestamp(time.duration_since(std::time::UNIX_EPOCH)?.as_secs())),
});

impl Timestamp {
    /// This time and `seconds` more.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this time; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This time moved by a signed number of seconds.
    pub(crate) fn shifted(self, seconds: i64) -> Self {
        Self(self.0.saturating_add_signed(seconds))
    }
}

/// The phone's clock, behind a trait so that tests can move it.
pub trait Clock: Send + Sync {
    /// Wall time as the person's phone has it; may be wrong and may jump.
    fn now(&self) -> Timestamp;

    /// Time since the device started, sleep included; never jumps.
    fn since_boot(&self) -> Duration;
}

/// The clock of the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(since_epoch.as_secs())
    }

    fn since_boot(&self) -> Duration {
        // Linux stops CLOCK_MONOTONIC in sleep; Apple's goes on.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let id = rustix::time::ClockId::Monotonic;
        let time = rustix::time::clock_gettime(id);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}
