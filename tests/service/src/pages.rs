//! Pages: one model, one template. What a page says stands in `words`.

mod html;
pub mod words;

use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::store::StoreError;

pub use html::{Block, Entry, Field, Form, Method, Page, script, style};

/// An address that leads nowhere.
#[must_use]
pub fn not_found(app: &App) -> Response {
    words::not_found().show_as(StatusCode::NOT_FOUND, app, None)
}

/// The page for a database that failed.
pub fn failed(app: &App, error: &StoreError) -> Response {
    tracing::error!(%error, "the database failed");
    words::unavailable().show_as(StatusCode::SERVICE_UNAVAILABLE, app, None)
}
