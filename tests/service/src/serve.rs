//! Serves the router over TLS.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::task::JoinHandle;

use crate::error::AppError;
use crate::tls::{Identity, server_config};

/// How long open connections may continue after a stop.
const GRACE: Duration = Duration::from_millis(500);

/// A running server. It stops on [`Running::stop`] or when dropped.
pub struct Running {
    /// The network address on which the server listens.
    pub address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: Option<JoinHandle<std::io::Result<()>>>,
}

impl Running {
    /// Stops listening. Waits at most half a second for open connections to end, then closes them.
    pub async fn stop(mut self) {
        self.handle.graceful_shutdown(Some(GRACE));
        if let Some(task) = self.task.take() {
            // When the task has ended, the network port is free, even if the task failed.
            let _ended = task.await;
        }
    }

    /// Waits until the server stops.
    pub async fn ended(mut self) {
        if let Some(task) = self.task.take() {
            let _ended = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

/// Binds a listener to a network address. With port 0, the system chooses a port.
pub fn bind(address: SocketAddr) -> Result<TcpListener, AppError> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves a router over TLS.
pub fn serve(router: Router, listener: TcpListener, identity: &Identity) -> Result<Running, AppError> {
    let address = listener.local_addr()?;
    let tls = RustlsConfig::from_config(Arc::new(server_config(identity)?));
    let handle = Handle::new();
    let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle.clone());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    Ok(Running { address, handle, task: Some(tokio::spawn(server.serve(service))) })
}
