//! Sends one server-sent event to a page when the page should reload or submit its form.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::store::Store;

/// The longest wait. After this time, the event is sent even if `is_due` returns false, and the page loads again. No
/// ceremony lasts longer.
const MAX_WAIT: Duration = Duration::from_secs(300);
/// The time between two checks. Checking only after changes by this process is not enough: other processes may change
/// the database. Records also expire without a change.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Sends the event `turn` as soon as `is_due` returns true, at the latest after 300 seconds.
pub fn until<F, R>(store: &Store, is_due: F) -> Response
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = bool> + Send,
{
    let mut changes = store.changes();
    let wait = async move {
        let deadline = tokio::time::Instant::now() + MAX_WAIT;
        while tokio::time::Instant::now() < deadline {
            changes.mark_unchanged();
            if is_due().await {
                break;
            }
            // Wait for a change, or for the end of the interval. Then check again.
            let _woken = tokio::time::timeout(CHECK_INTERVAL, changes.changed()).await;
        }
        Ok::<_, Infallible>(Event::default().event("turn").data("now"))
    };
    Sse::new(stream::once(wait)).keep_alive(KeepAlive::default()).into_response()
}
