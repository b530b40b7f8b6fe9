//! Simulates network cuts inside the service's process: a request or its response is lost.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

/// Where the network is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The request never reaches the service.
    Before,
    /// The service processes the request, but the response is lost.
    Answer,
}

/// The pending cuts: a path, what is lost, and for how many requests.
#[derive(Clone, Default)]
pub struct Cuts(Arc<Mutex<Vec<(String, Cut, usize)>>>);

impl Cuts {
    /// Cuts the next `count` requests whose path starts with `path`.
    pub fn cut(&self, path: &str, cut: Cut, count: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), cut, count));
    }

    /// Removes every pending cut.
    pub fn heal(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The number of requests that are still to be cut.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, _, count)| count).sum()
    }

    fn take(&self, path: &str) -> Option<Cut> {
        let mut cuts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, cut, count) =
            cuts.iter_mut().find(|(prefix, _, count)| *count > 0 && path.starts_with(prefix.as_str()))?;
        *count = count.saturating_sub(1);
        Some(*cut)
    }
}

/// The middleware that performs the cuts.
pub async fn layer(State(cuts): State<Cuts>, request: Request, next: Next) -> Response {
    match cuts.take(request.uri().path()) {
        None => next.run(request).await,
        Some(Cut::Before) => broken(),
        Some(Cut::Answer) => {
            let _lost = next.run(request).await;
            broken()
        }
    }
}

/// A response whose body fails, as when the connection ends before the body is complete.
fn broken() -> Response {
    let body = stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
    (StatusCode::OK, Body::from_stream(body)).into_response()
}
