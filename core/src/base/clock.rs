//! The phone's clock. It gives the wall time, to compare with a service's times, and the time since boot, to measure
//! durations.

use std::time::Duration;

/// Whole seconds since 1970-01-01, UTC (section 1 of the protocol). `Instant` in Kotlin, `Date` in Swift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Timestamp(pub u64);

#[cfg(feature = "uniffi")]
uniffi::custom_type!(Timestamp, std::time::SystemTime, {
    lower: |time| std::time::UNIX_EPOCH.checked_add(Duration::from_secs(time.0)).unwrap_or(std::time::UNIX_EPOCH),
    try_lift: |time| Ok(Timestamp(time.duration_since(std::time::UNIX_EPOCH)?.as_secs())),
});

impl Timestamp {
    /// Returns this time plus a number of seconds. An overflow gives the largest time.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Returns the seconds from an earlier time to this time; zero when the given time is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns this time moved by a signed number of seconds, such as a service's clock offset. An overflow gives the
    /// smallest or the largest time.
    pub(crate) fn shifted(self, seconds: i64) -> Self {
        Self(self.0.saturating_add_signed(seconds))
    }
}

/// The phone's clock. A trait, so that tests can set it.
pub trait Clock: Send + Sync {
    /// Returns the phone's wall time. It may be wrong and may jump: the person can set it.
    fn now(&self) -> Timestamp;

    /// Returns the time since the device started, including sleep. It never jumps.
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
        // On Linux CLOCK_MONOTONIC stops during sleep; on Apple's systems it continues.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let id = rustix::time::ClockId::Monotonic;
        let time = rustix::time::clock_gettime(id);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}
