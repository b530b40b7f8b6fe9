//! Server-sent events: one event, when the page should turn.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::store::Store;

/// A page asks again after this; no ceremony lives longer.
const LONGEST: Duration = Duration::from_secs(300);
/// Another process may have changed the database, and time changes things by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Sends `turn` once `turned` says so.
pub fn until<F, R>(store: &Store, turned: F) -> Response
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = bool> + Send,
{
    let mut changes = store.changes();
    let wait = async move {
        let deadline = tokio::time::Instant::now() + LONGEST;
        while tokio::time::Instant::now() < deadline {
            changes.mark_unchanged();
            if turned().await {
                break;
            }
            // Either is fine: something changed, or it is time to look.
            let _woken = tokio::time::timeout(LOOK_AGAIN, changes.changed()).await;
        }
        Ok::<_, Infallible>(Event::default().event("turn").data("now"))
    };
    Sse::new(stream::once(wait)).keep_alive(KeepAlive::default()).into_response()
}
