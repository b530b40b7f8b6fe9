//! Verifies TLS servers. The platform decides whether a certificate chain is trusted; this module checks host name and
//! handshake.

use std::fmt;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime, pem::PemObject};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::authenticator::error::Error;
use crate::values::platform::{PlatformError, TlsTrust};

/// The longest time that the platform may take to check a chain; after that the chain is not trusted.
const TRUST_TIMEOUT: Duration = Duration::from_secs(5);

/// Builds the TLS configuration: the TLS versions that rustls uses by default, the provider `ring`, and no client
/// certificate.
///
/// # Errors
/// `Untrusted` when the provider supports none of these TLS versions.
pub(super) fn client_config(trust: Arc<dyn TlsTrust>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(PortVerifier { trust, provider: Arc::clone(&provider) });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_versions| Error::Untrusted)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// Asks the port `TlsTrust` about the certificate chain. The verifier itself checks the host name and the handshake's
/// signatures.
///
/// # Security
/// The host name is checked before the port is asked, so a port that checks only chains can't accept another host's
/// certificate.
struct PortVerifier {
    trust: Arc<dyn TlsTrust>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for PortVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PortVerifier")
    }
}

impl PortVerifier {
    /// Returns true when the port trusts the chain; false when the port does not trust it, fails, panics or takes too
    /// long.
    ///
    /// The port runs on its own thread: a port that never returns blocks that thread, not the core.
    fn ask(&self, host: String, chain: Vec<Vec<u8>>, now: u64) -> bool {
        let (sender, receiver) = mpsc::channel();
        let trust = Arc::clone(&self.trust);
        std::thread::spawn(move || {
            // Fails when the time limit has passed.
            let _late = sender.send(trust.is_trusted(host, chain, now));
        });
        let wait = || receiver.recv_timeout(TRUST_TIMEOUT);
        let answer = match tokio::runtime::Handle::try_current() {
            Ok(_inside) => tokio::task::block_in_place(wait),
            Err(_outside) => wait(),
        };
        matches!(answer, Ok(Ok(true)))
    }
}

impl ServerCertVerifier for PortVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let parsed = webpki::EndEntityCert::try_from(end_entity)
            .map_err(|_malformed| rustls::Error::from(CertificateError::BadEncoding))?;
        parsed
            .verify_is_valid_for_subject_name(server_name)
            .map_err(|_other_name| rustls::Error::from(CertificateError::NotValidForName))?;
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.to_vec()).collect();
        if self.ask(server_name.to_str().into_owned(), chain, now.as_secs()) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::UnknownIssuer.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts the certificate authorities that the desktop's operating system trusts.
#[cfg(feature = "desktop")]
#[derive(Debug)]
pub struct PlatformTrust(rustls_platform_verifier::Verifier);

#[cfg(feature = "desktop")]
impl PlatformTrust {
    /// Opens the certificate store of the operating system.
    ///
    /// # Errors
    /// `Unusable` when the system has no certificate store that can be read.
    pub fn new() -> Result<Self, PlatformError> {
        rustls_platform_verifier::Verifier::new(Arc::new(ring::default_provider()))
            .map(Self)
            .map_err(|_store| PlatformError::Unusable)
    }
}

#[cfg(feature = "desktop")]
impl TlsTrust for PlatformTrust {
    fn is_trusted(&self, host: String, chain: Vec<Vec<u8>>, now: u64) -> Result<bool, PlatformError> {
        let name = ServerName::try_from(host).map_err(|_name| PlatformError::Unusable)?;
        let chain: Vec<CertificateDer<'_>> = chain.into_iter().map(CertificateDer::from).collect();
        let Some((end_entity, intermediates)) = chain.split_first() else {
            return Ok(false);
        };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        Ok(self.0.verify_server_cert(end_entity, intermediates, &name, &[], now).is_ok())
    }
}

/// Trusts only the given private certificate authorities, for test environments and closed networks.
#[derive(Debug)]
pub struct PrivateCa(Vec<TrustAnchor<'static>>);

impl PrivateCa {
    /// Reads the authorities' certificates, one or more, in PEM.
    ///
    /// # Errors
    /// `Unusable` when the text contains no certificate, or a damaged certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PlatformError> {
        let anchors = CertificateDer::pem_slice_iter(pem)
            .map(|certificate| {
                let certificate = certificate.map_err(|_damaged| PlatformError::Unusable)?;
                let anchor =
                    webpki::anchor_from_trusted_cert(&certificate).map_err(|_damaged| PlatformError::Unusable)?;
                Ok(anchor.to_owned())
            })
            .collect::<Result<Vec<_>, PlatformError>>()?;
        if anchors.is_empty() { Err(PlatformError::Unusable) } else { Ok(Self(anchors)) }
    }
}

impl TlsTrust for PrivateCa {
    fn is_trusted(&self, _host: String, chain: Vec<Vec<u8>>, now: u64) -> Result<bool, PlatformError> {
        let chain: Vec<CertificateDer<'_>> = chain.into_iter().map(CertificateDer::from).collect();
        let Some((end_entity, intermediates)) = chain.split_first() else {
            return Ok(false);
        };
        let Ok(end_entity) = webpki::EndEntityCert::try_from(end_entity) else {
            return Ok(false);
        };
        let verified = end_entity.verify_for_usage(
            ring::default_provider().signature_verification_algorithms.all,
            &self.0,
            intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(now)),
            webpki::KeyUsage::server_auth(),
            None,
            None,
        );
        Ok(verified.is_ok())
    }
}
