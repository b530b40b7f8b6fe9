//! Builds the TLS trust of this phone. The phone trusts the system's certificate authorities. When a PEM text is given,
//! the phone also trusts the private authorities in this text.

use std::sync::Arc;

use countersign::{PlatformError, PlatformTrust, PrivateCa, TlsTrust};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls_platform_verifier::Verifier;

use crate::error::PhoneError;

/// The TLS trust: `core` for the core's connections, and `relay` for connections to the relay.
pub(crate) struct Trust {
    pub(crate) core: Arc<dyn TlsTrust>,
    pub(crate) relay: ClientConfig,
}

/// Builds the TLS trust. `ca` is PEM text with private certificate authorities.
///
/// # Errors
/// `Certificates` when `ca` is a text without a certificate or with a damaged one. Without `ca`, `Certificates` when
/// the system has no certificates.
pub(crate) fn with(ca: Option<&[u8]>) -> Result<Trust, PhoneError> {
    let core: Arc<dyn TlsTrust> = match ca {
        None => Arc::new(PlatformTrust::new().map_err(|_none| PhoneError::Certificates)?),
        Some(pem) => {
            let private = PrivateCa::from_pem(pem).map_err(|_damaged| PhoneError::Certificates)?;
            // If the system's certificates can't be read, only the private authority is trusted.
            Arc::new(Either { private, system: PlatformTrust::new().ok() })
        }
    };
    Ok(Trust { core, relay: client(ca)? })
}

fn client(ca: Option<&[u8]>) -> Result<ClientConfig, PhoneError> {
    let provider = Arc::new(ring::default_provider());
    let extra: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(ca.unwrap_or_default())
        .collect::<Result<_, _>>()
        .map_err(|_damaged| PhoneError::Certificates)?;
    let verifier =
        Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|_none| PhoneError::Certificates)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_versions| PhoneError::Certificates)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

struct Either {
    private: PrivateCa,
    system: Option<PlatformTrust>,
}

impl TlsTrust for Either {
    fn is_trusted(&self, host: String, chain: Vec<Vec<u8>>, now: u64) -> Result<bool, PlatformError> {
        if self.private.is_trusted(host.clone(), chain.clone(), now)? {
            return Ok(true);
        }
        self.system.as_ref().map_or(Ok(false), |system| system.is_trusted(host, chain, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_without_a_valid_certificate_is_refused() {
        for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(with(Some(pem.as_bytes())), Err(PhoneError::Certificates)), "{pem}");
        }
    }
}
