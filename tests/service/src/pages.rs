//! Builds all pages from one model with one template. Most page texts are in `words`; some short texts are in the HTTP
//! handlers.

mod html;
pub mod words;

use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::store::StoreError;

pub use html::{Block, Entry, Field, Form, Method, Page, script, style};

/// Returns the page for an unknown path.
#[must_use]
pub fn not_found(app: &App) -> Response {
    words::not_found().show_as(StatusCode::NOT_FOUND, app, None)
}

/// Logs a failure of the database, and returns the page that reports the failure to the person.
pub fn failed(app: &App, error: &StoreError) -> Response {
    tracing::error!(%error, "the database failed");
    words::unavailable().show_as(StatusCode::SERVICE_UNAVAILABLE, app, None)
}
