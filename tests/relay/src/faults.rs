//! Loses, delays, doubles or reorders messages on purpose, for tests and demonstrations.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::queue::Message;

/// The switches for the faults that the relay causes on purpose; all are off at the start.
#[derive(Clone, Default)]
pub struct Faults(Arc<Switches>);

#[derive(Default)]
struct Switches {
    lose_one_in: AtomicU64,
    double_one_in: AtomicU64,
    delay_ms: AtomicU64,
    reorder: AtomicU64,
    counted: AtomicU64,
    held: Mutex<Option<(String, Message)>>,
}

impl Faults {
    /// Loses every `n`th message: with 1 all messages are lost, with 0 none.
    pub fn lose_one_in(&self, n: u64) {
        self.0.lose_one_in.store(n, Ordering::SeqCst);
    }

    /// Delivers every `n`th message twice; with 0, no message is delivered twice.
    pub fn double_one_in(&self, n: u64) {
        self.0.double_one_in.store(n, Ordering::SeqCst);
    }

    /// Delays every message by `delay`.
    pub fn delay(&self, delay: Duration) {
        self.0.delay_ms.store(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Swaps every two successive messages: the second message is delivered before the first.
    pub fn reorder(&self, on: bool) {
        self.0.reorder.store(u64::from(on), Ordering::SeqCst);
    }

    /// Applies the faults to one message and returns the messages to deliver now.
    pub(crate) fn apply(&self, address: String, message: Message) -> Vec<(String, Message)> {
        let number = self.0.counted.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let is_nth = |n: u64| n > 0 && number.checked_rem(n) == Some(0);
        if is_nth(self.0.lose_one_in.load(Ordering::SeqCst)) {
            tracing::info!("a message is lost on purpose");
            return Vec::new();
        }
        let mut delivered = vec![(address.clone(), message.clone())];
        if is_nth(self.0.double_one_in.load(Ordering::SeqCst)) {
            delivered.push((address, message));
        }
        if self.0.reorder.load(Ordering::SeqCst) == 0 {
            return delivered;
        }
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.take() {
            Some(earlier) => {
                delivered.push(earlier);
                delivered
            }
            None => {
                *held = delivered.pop();
                delivered
            }
        }
    }

    pub(crate) fn delay_now(&self) -> Duration {
        Duration::from_millis(self.0.delay_ms.load(Ordering::SeqCst))
    }
}
