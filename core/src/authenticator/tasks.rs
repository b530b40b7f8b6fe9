//! Starts work on the runtime and on blocking threads.
//!
//! The futures and closures are boxed as trait objects. Otherwise each of their types would add its own copy of tokio's
//! generic code to the app's library.

use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::authenticator::error::Error;

/// Starts `work` on `runtime`. Dropping the returned future ends only the waiting; the work continues.
///
/// # Errors
/// `Closed` when the runtime ended before the work was done, or when the work panicked.
pub(crate) fn start<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = Result<T, Error>> + Send + 'static {
    let (sender, receiver) = oneshot::channel();
    let erased: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
        // Fails when the caller has dropped the future.
        let _dropped = sender.send(work.await);
    });
    runtime.spawn(erased);
    async move { receiver.await.map_err(|_ended| Error::Closed) }
}

/// Runs `work` on a thread that may block. Dropping the future does not stop the work.
///
/// # Errors
/// `Closed` when the runtime ended before the work was done, or when the work panicked.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let (sender, receiver) = oneshot::channel();
    let erased: Box<dyn FnOnce() + Send> = Box::new(move || {
        // Fails when the caller no longer waits, for example after a timeout.
        let _late = sender.send(work());
    });
    tokio::task::spawn_blocking(erased);
    receiver.await.map_err(|_ended| Error::Closed)
}
