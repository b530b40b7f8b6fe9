//! Receives the redirect of the browser on a loopback address with a free port (RFC 8252 section 7.3).

use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::error::PhoneError;

/// The redirect path that is registered for desktop phones (protocol section 10.1).
const PATH: &str = "/phone-sign-in";
/// The page that the browser shows after the redirect. The terminal shows the result.
const CLOSE_ME: &str = "<!doctype html><meta charset=utf-8><title>Countersign</title>\
     <p>You can close this page and go back to your terminal.</p>";

/// A server on a loopback address that receives the redirect of the browser (RFC 8252 section 7.3).
pub struct Loopback {
    redirect_uri: String,
    redirects: mpsc::Receiver<String>,
    serving: tokio::task::JoinHandle<()>,
}

impl Loopback {
    /// Listens on a free port.
    ///
    /// # Errors
    /// `NoBrowserAnswer` when no port is free.
    pub async fn listen() -> Result<Self, PhoneError> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|_taken| PhoneError::NoBrowserAnswer)?;
        let port = listener.local_addr().map_err(|_closed| PhoneError::NoBrowserAnswer)?.port();
        let origin = format!("http://127.0.0.1:{port}");
        let (sender, redirects) = mpsc::channel(1);
        let router = Router::new().route(PATH, get(take)).with_state((origin.clone(), sender));
        let serving = tokio::spawn(async move {
            // `serve` ends only when the socket fails. When the `Loopback` is dropped, this task is aborted.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self { redirect_uri: format!("{origin}{PATH}"), redirects, serving })
    }

    /// Returns the redirect URI for the authorization request.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits until a browser is redirected here, and returns the full URL of the redirect. Returns `None` when the
    /// server has ended.
    pub async fn next(&mut self) -> Option<String> {
        self.redirects.recv().await
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State((origin, sender)): State<(String, mpsc::Sender<String>)>, uri: Uri) -> Html<&'static str> {
    // The channel has space for one redirect. If an earlier redirect is still in the channel, this redirect is dropped.
    let _full = sender.try_send(format!("{origin}{uri}"));
    Html(CLOSE_ME)
}
