//! Limits the rate of pushes for each VAPID key and each network address, and the rate of subscriptions for each
//! network address.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Each VAPID key and each network address may send this many requests in a burst. After the burst, `PER_SECOND` more
/// requests are allowed each second.
const BURST: f64 = 200.0;
const PER_SECOND: f64 = 20.0;
const MAX_NAMES: usize = 10_000;

#[derive(Default)]
pub(crate) struct Limits(Mutex<HashMap<String, (f64, Instant)>>);

impl Limits {
    pub(crate) fn allows(&self, name: String) -> bool {
        let now = Instant::now();
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MAX_NAMES {
            names.clear();
        }
        let (left, at) = names.entry(name).or_insert((BURST, now));
        *left = (*left + now.duration_since(*at).as_secs_f64() * PER_SECOND).min(BURST);
        *at = now;
        let allowed = *left >= 1.0;
        if allowed {
            *left -= 1.0;
        }
        allowed
    }
}
