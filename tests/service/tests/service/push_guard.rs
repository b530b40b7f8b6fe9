//! Tests that the push guard never connects to a network address that it refuses.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Arc;

use axum::http::Request;
use countersign_service::push::{GuardError, Sender};
use rustls::{ClientConfig, RootCertStore};

fn trusts_nobody() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

fn sender(private_origins: &[String]) -> Sender {
    Sender::new(private_origins.to_vec(), trusts_nobody(), trusts_nobody()).unwrap()
}

fn to(url: &str) -> Request<Vec<u8>> {
    Request::post(url).body(b"sealed".to_vec()).unwrap()
}

fn inside() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn was_reached(listener: &TcpListener) -> bool {
    !matches!(listener.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[tokio::test]
async fn private_addresses_get_no_connection() {
    let (listener, port) = inside();
    let sender = sender(&[]);
    for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let refused = sender.send(to(&format!("https://{host}:{port}/push"))).await;
        assert!(matches!(refused, Err(GuardError::NotAllowed)), "{host}");
    }
    assert!(!was_reached(&listener));
}

#[tokio::test]
async fn name_of_a_private_address_is_refused() {
    // The port is allowed. The host is a name, and the name resolves to a private address.
    let refused = sender(&[]).send(to("https://localhost/push")).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn private_relay_needs_its_exact_web_origin() {
    let (listener, port) = inside();
    let sender = sender(&[format!("https://127.0.0.1:{port}")]);
    for other in [format!("https://localhost:{port}/push"), format!("https://127.0.0.1:{}/push", port ^ 1)] {
        assert!(matches!(sender.send(to(&other)).await, Err(GuardError::NotAllowed)), "{other}");
    }
    assert!(matches!(sender.send(to(&format!("http://127.0.0.1:{port}/push"))).await, Err(GuardError::NotAllowed)));
    assert!(!was_reached(&listener));
    let listening = std::thread::spawn(move || {
        listener.set_nonblocking(false).unwrap();
        listener.accept().map(|_connection| ()).unwrap();
    });
    // The listener does not speak TLS, so the push is not delivered. The test only needs the connection.
    let tried = sender.send(to(&format!("https://127.0.0.1:{port}/push"))).await;
    assert!(matches!(tried, Err(GuardError::NotDelivered)));
    listening.join().unwrap();
}
