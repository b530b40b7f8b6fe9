//! The core's own small runtime.

use std::time::Duration;

use tokio::runtime::{Handle, Runtime};

use crate::authenticator::error::Error;

/// Two threads: one may wait in a handshake while the other goes on.
const WORKERS: usize = 2;
/// Closing waits this long for a port that is still busy, and then leaves its thread behind.
const CLOSING: Duration = Duration::from_secs(5);

/// The runtime, which is let go of without waiting: a runtime that is dropped waits for its threads, a port may
/// never return, and whoever drops it (a caller that cancels `open`, too) may stand on a main thread.
pub(crate) struct Workers(Option<Runtime>);

impl Workers {
    pub(crate) fn start() -> Result<(Self, Handle), Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("countersign")
            .enable_all()
            .build()
            .map_err(|_threads| Error::Closed)?;
        let handle = runtime.handle().clone();
        Ok((Self(Some(runtime)), handle))
    }

    /// Waits, for a limited time; blocks.
    pub(crate) fn end(mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(CLOSING);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
