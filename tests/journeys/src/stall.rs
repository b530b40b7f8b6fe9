//! A proxy between a phone and the relay, whose open connections can go silent, as when a network disappears.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The proxy. Dropping it ends it.
pub struct Proxy {
    port: u16,
    stalls: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy that connects to `to`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(to: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let stalls = watch::Sender::new(());
        let subscribe = stalls.clone();
        let task = tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                tokio::spawn(forward(phone, to, subscribe.subscribe()));
            }
        });
        Ok(Self { port, stalls, task })
    }

    /// The URL of the proxy. The relay's certificate is valid for it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Lets every open connection go silent: it stays open, but nothing passes it. New connections work.
    pub fn stall(&self) {
        let _no_connection = self.stalls.send(());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut phone: TcpStream, to: SocketAddr, mut stalls: watch::Receiver<()>) {
    let Ok(mut relay) = TcpStream::connect(to).await else { return };
    tokio::select! {
        _ended = tokio::io::copy_bidirectional(&mut phone, &mut relay) => {}
        Ok(()) = stalls.changed() => std::future::pending().await,
    }
}
