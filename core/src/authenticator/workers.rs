//! Starts and ends the core's own small tokio runtime. The app needs no runtime of its own.

use std::time::Duration;

use tokio::runtime::{Handle, Runtime};

use crate::authenticator::error::Error;

/// Two threads: while one thread blocks in a TLS handshake (see `PortVerifier`), the other thread continues.
const WORKERS: usize = 2;
/// How long `end` waits for a port that is still busy; after that the port's thread continues without the core.
const CLOSING: Duration = Duration::from_secs(5);

/// Owns the runtime and shuts it down in the background when dropped.
///
/// Reason: dropping a `Runtime` directly blocks until its threads end. A port may never return, and the drop may happen
/// on the UI thread, for example when the app drops the future of `open`.
pub(crate) struct Workers(Option<Runtime>);

impl Workers {
    /// Starts the runtime.
    ///
    /// # Errors
    /// `Closed` when the system can't start the threads.
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

    /// Shuts the runtime down, and blocks for at most `CLOSING`.
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
