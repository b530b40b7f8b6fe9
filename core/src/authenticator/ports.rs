//! The ports: what the platform gives the core, asked on blocking threads and for a limited time.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::authenticator::error::Error;
use crate::authenticator::tasks;
use crate::base::clock::Clock;
use crate::base::jose;
use crate::base::jose::{HeaderKey, PublicKey, base64url};
use crate::values::platform::{DeviceDescription, DeviceLock, KeyStore, PlatformError, PushChannel, TlsTrust};

/// A port that answers later than this has failed for now; what it still brings is swept by its alias.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// What the platform gives the core.
#[derive(Clone)]
pub struct Ports {
    /// Keys that never leave the device.
    pub key_store: Arc<dyn KeyStore>,
    /// Whether the device has a lock.
    pub device_lock: Arc<dyn DeviceLock>,
    /// How pushes reach this phone.
    pub push_channel: Arc<dyn PushChannel>,
    /// Which certificate chains are trusted.
    pub tls_trust: Arc<dyn TlsTrust>,
    /// Wall time and time since boot.
    pub clock: Arc<dyn Clock>,
    /// What this phone says of itself.
    pub device: DeviceDescription,
}

impl Ports {
    /// Asks a port on a blocking thread, for a limited time.
    pub(crate) async fn ask<T, F>(&self, ask: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Ports) -> Result<T, PlatformError> + Send + 'static,
    {
        let ports = self.clone();
        let answer = tasks::blocking(move || ask(&ports));
        match tokio::time::timeout(TIMEOUT, answer).await {
            Ok(Ok(answer)) => Ok(answer?),
            // A port that panicked or never returned says nothing about the key.
            Ok(Err(_)) | Err(_) => Err(Error::Platform(PlatformError::Transient)),
        }
    }

    /// Destroys the key under `alias`, and makes sure that it is gone: a port that fails without saying so
    /// must not leave a key behind that everybody believes destroyed.
    pub(crate) async fn delete_key(&self, alias: String) -> Result<(), Error> {
        let wanted = alias.clone();
        self.ask(move |ports| ports.key_store.delete(wanted)).await?;
        match self.ask(move |ports| ports.key_store.public_key(alias)).await {
            Err(Error::Platform(PlatformError::Gone)) => Ok(()),
            Ok(_still_there) => Err(Error::Platform(PlatformError::Transient)),
            Err(error) => Err(error),
        }
    }

    /// Signs `payload` as a compact JWS with the key under `alias`.
    pub(crate) async fn sign_jws(
        &self,
        alias: &str,
        typ: &str,
        key: HeaderKey<'_>,
        payload: &impl Serialize,
    ) -> Result<String, Error> {
        let unusable = |_garbage| Error::Platform(PlatformError::Unusable);
        let input = jose::signing_input(typ, key, payload).map_err(unusable)?;
        let alias = alias.to_owned();
        let message = input.clone().into_bytes();
        let der = self.ask(move |ports| ports.key_store.sign(alias, message)).await?;
        let signature = jose::signature_from_der(&der).map_err(unusable)?;
        Ok(jose::attach(&input, &signature))
    }
}

/// Makes sure that the key store signed these bytes with the key that it made: what is decided by the person is
/// signed once and sent for a day, so a signature that nobody will accept must not be kept.
///
/// # Errors
/// `Platform(Unusable)` for garbage or another key's signature.
pub(crate) fn check_own_signature(jws: &str, key: &PublicKey) -> Result<(), Error> {
    let unusable = || Error::Platform(PlatformError::Unusable);
    let (input, signature) = jws.rsplit_once('.').ok_or_else(unusable)?;
    let signature = base64url::decode(signature).map_err(|_garbage| unusable())?;
    key.verify(input.as_bytes(), &signature).map_err(|_wrong| unusable())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::testing::FakeKeyStore;
    use crate::values::platform::{KeyGuard, KeyStore};

    #[test]
    fn only_the_key_that_was_made_signs_for_the_person() {
        let keys = FakeKeyStore::default();
        let made =
            |alias: &str| PublicKey::from_sec1(&keys.make(alias.to_owned(), KeyGuard::AfterFirstUnlock).unwrap());
        let (own, another) = (made("own").unwrap(), made("another").unwrap());
        let der = keys.sign("own".to_owned(), b"header.payload".to_vec()).unwrap();
        let jws = jose::attach("header.payload", &jose::signature_from_der(&der).unwrap());
        let unusable = Err(Error::Platform(PlatformError::Unusable));
        assert_eq!(check_own_signature(&jws, &own), Ok(()));
        assert_eq!(check_own_signature(&jws, &another), unusable);
        assert_eq!(check_own_signature(&jws.replace("payload", "Payload"), &own), unusable);
        assert_eq!(check_own_signature("header.payload.", &own), unusable);
    }
}
