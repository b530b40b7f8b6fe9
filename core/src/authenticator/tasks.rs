//! Work on the runtime and on blocking threads, with its type erased: each type of future or closure that
//! tokio is given otherwise brings its own copy of tokio's machinery into the library that ships in an app.

use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::authenticator::error::Error;

/// Starts `work` on `runtime`; dropping the returned future stops the waiting, not the work.
///
/// # Errors
/// `Closed` when the runtime ended before the work, or the work panicked.
pub(crate) fn start<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = Result<T, Error>> + Send + 'static {
    let (sender, receiver) = oneshot::channel();
    let erased: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
        // Nobody waits any more when the caller has dropped the future.
        let _dropped = sender.send(work.await);
    });
    runtime.spawn(erased);
    async move { receiver.await.map_err(|_ended| Error::Closed) }
}

/// Runs `work` on a thread where it may block.
///
/// # Errors
/// `Closed` when the runtime ended before the work, or the work panicked.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let (sender, receiver) = oneshot::channel();
    let erased: Box<dyn FnOnce() + Send> = Box::new(move || {
        // Nobody waits any more when the time limit has passed.
        let _late = sender.send(work());
    });
    tokio::task::spawn_blocking(erased);
    receiver.await.map_err(|_ended| Error::Closed)
}
