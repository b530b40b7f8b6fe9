//! Starts and stops the relay. Also reads or makes its TLS certificate and its keys.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::task::JoinHandle;

use crate::endpoint::Sealer;
use crate::faults::Faults;
use crate::limits::Limits;
use crate::queue::Queues;
use crate::routes::{Shared, now, router};

const KEY_FILE: &str = "endpoint.key";
const SWEEP: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_millis(200);

/// Why the relay can't start.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// A file or socket can't be used.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A certificate or key can't be used.
    #[error("TLS: {0}")]
    Tls(String),
}

/// Certificate and key, in PEM.
#[derive(Clone)]
pub struct Tls {
    /// The certificate chain.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

/// The operator's configuration.
pub struct Config {
    /// The network address to listen on; with port 0 the system picks a free port.
    pub listen: SocketAddr,
    /// The web origin that services and phones use; default: `https://localhost:PORT`.
    pub public_url: Option<String>,
    /// The folder for the relay's keys.
    pub data: PathBuf,
    /// Certificate and key; without them the relay makes a private authority in the data folder.
    pub tls: Option<Tls>,
}

/// A running relay; it stops on `stop`, or when it is dropped.
pub struct Relay {
    /// The web origin that services and phones use.
    pub url: String,
    /// The network address that the relay listens on.
    pub address: SocketAddr,
    /// The switches for faults.
    pub faults: Faults,
    handle: Handle<SocketAddr>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
    sweeping: JoinHandle<()>,
}

impl Relay {
    /// Starts the relay.
    ///
    /// # Errors
    /// `Io` when the network address is taken or the folder can't be used; `Tls` when a certificate or key can't be
    /// used.
    pub async fn start(config: Config) -> Result<Self, RelayError> {
        // An error means that a provider is installed already.
        let _set_before = rustls::crypto::ring::default_provider().install_default();
        make_private(&config.data)?;
        let listener = TcpListener::bind(config.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let url = config.public_url.unwrap_or_else(|| format!("https://localhost:{}", address.port()));
        let tls = match config.tls {
            Some(tls) => tls,
            None => kept_identity(&config.data)?,
        };
        let faults = Faults::default();
        let shared = shared(url.clone(), &kept_key(&config.data)?, faults.clone())?;
        let queues = shared.queues.clone();
        let sweeping = tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                queues.sweep(now());
            }
        });
        let handle = Handle::new();
        let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(server_config(&tls)?)))?;
        let service = router(shared).into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(server.handle(handle.clone()).serve(service));
        Ok(Self { url, address, faults, handle, serving: Some(serving), sweeping })
    }

    /// Stops the relay, and frees the network address that it listened on.
    pub async fn stop(mut self) {
        self.handle.graceful_shutdown(Some(GRACE));
        if let Some(serving) = self.serving.take() {
            // The network address is free even when serving has ended with an error.
            let _ended = serving.await;
        }
    }
}

fn shared(origin: String, key: &[u8; 32], faults: Faults) -> Result<Arc<Shared>, RelayError> {
    let sealer = Sealer::new(key).map_err(tls_error)?;
    Ok(Arc::new(Shared { origin, sealer, queues: Queues::default(), limits: Limits::default(), faults }))
}

/// Returns the router of a relay that does not listen. The caller passes each request with a `ConnectInfo`.
///
/// # Errors
/// `Tls` when the key does not have 32 bytes. The type of `key` makes this impossible.
pub fn unserved(origin: &str, key: &[u8; 32]) -> Result<Router, RelayError> {
    Ok(router(shared(origin.to_owned(), key, Faults::default())?))
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.handle.shutdown();
        self.sweeping.abort();
    }
}

fn tls_error(error: impl std::fmt::Display) -> RelayError {
    RelayError::Tls(error.to_string())
}

fn server_config(tls: &Tls) -> Result<ServerConfig, RelayError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(tls.certificate.as_bytes()).collect::<Result<_, _>>().map_err(tls_error)?;
    let key = PrivateKeyDer::from_pem_slice(tls.key.as_bytes()).map_err(tls_error)?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).map_err(tls_error)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Reads or makes the key that seals endpoints. The key is stored, so that subscriptions survive a restart.
fn kept_key(folder: &Path) -> Result<[u8; 32], RelayError> {
    let path = folder.join(KEY_FILE);
    match std::fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_length| RelayError::Tls("damaged endpoint key".to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut key = [0; 32];
            SystemRandom::new().fill(&mut key).map_err(tls_error)?;
            write_private(&path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads the server's certificate and private key. The first time, makes a private authority, and a server key with a
/// certificate of this authority.
fn kept_identity(folder: &Path) -> Result<Tls, RelayError> {
    let [certificate, key, authority] = ["server.pem", "server.key", "authority.pem"].map(|name| folder.join(name));
    if !certificate.exists() {
        let authority_key = KeyPair::generate().map_err(tls_error)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(tls_error)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_pem = params.self_signed(&authority_key).map_err(tls_error)?.pem();
        let issuer = Issuer::new(params, authority_key);
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).map_err(tls_error)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_key = KeyPair::generate().map_err(tls_error)?;
        let server = params.signed_by(&server_key, &issuer).map_err(tls_error)?;
        write_private(&authority, authority_pem.as_bytes())?;
        write_private(&key, server_key.serialize_pem().as_bytes())?;
        write_private(&certificate, server.pem().as_bytes())?;
    }
    Ok(Tls { certificate: std::fs::read_to_string(certificate)?, key: std::fs::read_to_string(key)? })
}
