//! Where the browser comes back to a desktop: an address on this machine, on a free port (RFC 8252 section 7.3).

use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::error::PhoneError;

/// The registered path of desktops (protocol section 10.1).
const PATH: &str = "/phone-sign-in";
/// Shown in the browser; what came of it is told in the terminal, where it is known.
const CLOSE_ME: &str = "<!doctype html><meta charset=utf-8><title>Countersign</title>\
     <p>You can close this page and go back to your terminal.</p>";

/// The address on this machine that the browser comes back to (RFC 8252 section 7.3).
pub struct Loopback {
    redirect_uri: String,
    came_back: mpsc::Receiver<String>,
    serving: tokio::task::JoinHandle<()>,
}

impl Loopback {
    /// Listens on a free port.
    ///
    /// # Errors
    /// `NoBrowserAnswer` when there is none.
    pub async fn listen() -> Result<Self, PhoneError> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|_taken| PhoneError::NoBrowserAnswer)?;
        let port = listener.local_addr().map_err(|_closed| PhoneError::NoBrowserAnswer)?.port();
        let origin = format!("http://127.0.0.1:{port}");
        let (sender, came_back) = mpsc::channel(1);
        let router = Router::new().route(PATH, get(take)).with_state((origin.clone(), sender));
        let serving = tokio::spawn(async move {
            // Ends with the command.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self { redirect_uri: format!("{origin}{PATH}"), came_back, serving })
    }

    /// Where the browser is sent back to.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The next address that a browser comes back with, whole.
    pub async fn next(&mut self) -> Option<String> {
        self.came_back.recv().await
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State((origin, sender)): State<(String, mpsc::Sender<String>)>, uri: Uri) -> Html<&'static str> {
    // One that comes while another is looked at has nothing to add.
    let _full = sender.try_send(format!("{origin}{uri}"));
    Html(CLOSE_ME)
}
