//! Builds the TLS configurations. The server's certificate comes from the operator, or from a private authority that is
//! created on first use.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use time::{Duration, OffsetDateTime};

use crate::data::{lock_folder, write_private};
use crate::error::AppError;

const AUTHORITY_DAYS: i64 = 3_650;
/// Validity of a server certificate. Browsers refuse server certificates with a much longer validity.
const SERVER_DAYS: i64 = 365;

/// A server certificate with its key, and the authority to trust for it.
#[derive(Clone)]
pub struct Identity {
    /// The certificate chain, PEM.
    pub certificate: String,
    /// The private key, PEM.
    pub key: String,
    /// The private authority's certificate, PEM; empty if the operator provides the certificate.
    pub authority: String,
}

/// Sets the crate `ring` as the process's cryptography provider, unless a provider is set already.
pub fn install_provider() {
    // An error means that a provider is set already.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
}

/// A private authority that issues server certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

fn tls(error: impl std::fmt::Display) -> AppError {
    AppError::Tls(error.to_string())
}

impl Authority {
    /// Creates an authority with a new key.
    pub fn make(name: &str) -> Result<Self, AppError> {
        let key = KeyPair::generate().map_err(tls)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(tls)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = valid_for(AUTHORITY_DAYS);
        let certificate = params.self_signed(&key).map_err(tls)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Returns the authority's certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Issues a server certificate for host names and IP addresses.
    pub fn identity(&self, names: &[&str]) -> Result<Identity, AppError> {
        let key = KeyPair::generate().map_err(tls)?;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(tls)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        (params.not_before, params.not_after) = valid_for(SERVER_DAYS);
        let certificate = params.signed_by(&key, &self.issuer).map_err(tls)?.pem();
        Ok(Identity { certificate, key: key.serialize_pem(), authority: self.certificate.clone() })
    }
}

/// Returns the start and the end of a validity period. The period starts a day ago, because clocks of phones and
/// computers may be wrong.
fn valid_for(days: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - Duration::days(1), now + Duration::days(days))
}

/// Returns the server certificate in a data folder. On first use, creates the certificate with a new private authority.
/// The authority's private key is not kept.
pub fn identity_of(folder: &Path, host: &str) -> Result<Identity, AppError> {
    let _lock = lock_folder(folder)?;
    let paths = ["server.pem", "server.key", "authority.pem"].map(|name| folder.join(name));
    let [certificate, key, authority] = &paths;
    if certificate.exists() {
        return Ok(Identity {
            certificate: std::fs::read_to_string(certificate)?,
            key: std::fs::read_to_string(key)?,
            authority: std::fs::read_to_string(authority)?,
        });
    }
    let identity = Authority::make("Countersign private authority")?.identity(&[host, "localhost", "127.0.0.1"])?;
    write_private(key, identity.key.as_bytes())?;
    write_private(authority, identity.authority.as_bytes())?;
    write_private(certificate, identity.certificate.as_bytes())?;
    Ok(identity)
}

/// Builds the server's TLS configuration.
pub fn server_config(identity: &Identity) -> Result<ServerConfig, AppError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(identity.certificate.as_bytes()).collect::<Result<_, _>>().map_err(tls)?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(tls)?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).map_err(tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Builds the two TLS configurations for pushes. The first is for public IP addresses, and trusts the public web's
/// authorities. The second is for private relays, and trusts only `authorities`.
pub fn client_configs(authorities: &str) -> Result<(ClientConfig, ClientConfig), AppError> {
    let public = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let mut private = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        private.add(certificate.map_err(tls)?).map_err(tls)?;
    }
    let config = |roots| ClientConfig::builder().with_root_certificates(Arc::new(roots)).with_no_client_auth();
    Ok((config(public), config(private)))
}
