//! Calls the ports, through which the core uses the platform. Each call runs on a blocking thread, with a time limit.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::authenticator::error::Error;
use crate::authenticator::tasks;
use crate::base::clock::Clock;
use crate::base::jose;
use crate::base::jose::{HeaderKey, PublicKey, base64url};
use crate::values::platform::{DeviceDescription, DeviceLock, KeyStore, PlatformError, PushChannel, TlsTrust};

/// The longest time that a call of a port may take; a longer call counts as a transient failure. If the call was
/// `KeyStore::make`, it may still make the key later. The core then finds the key by its alias, and uses or deletes it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// The platform's services, which the app implements and passes to `Authenticator::open`.
///
/// Implementations may block, and are called from several threads at the same time.
#[derive(Clone)]
pub struct Ports {
    /// Makes, uses and deletes private keys that never leave the device.
    pub key_store: Arc<dyn KeyStore>,
    /// Reads which kind of device lock is set, or that no device lock is set.
    pub device_lock: Arc<dyn DeviceLock>,
    /// Provides push addresses, and the system's settings for pushes.
    pub push_channel: Arc<dyn PushChannel>,
    /// Decides which certificate chains are trusted. The core itself checks the host name and the handshake.
    pub tls_trust: Arc<dyn TlsTrust>,
    /// Reads the wall time and the time since boot.
    pub clock: Arc<dyn Clock>,
    /// Name, model, system and app version of this phone, as the service will list them. `open` removes control
    /// characters and shortens long texts.
    pub device: DeviceDescription,
}

impl Ports {
    /// Calls a port on a blocking thread and waits for it, at most `TIMEOUT`.
    ///
    /// # Errors
    /// `Platform` with the port's error; `Platform(Transient)` when the port panicked or took too long.
    pub(crate) async fn ask<T, F>(&self, ask: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Ports) -> Result<T, PlatformError> + Send + 'static,
    {
        let ports = self.clone();
        let answer = tasks::blocking(move || ask(&ports));
        match tokio::time::timeout(TIMEOUT, answer).await {
            Ok(Ok(answer)) => Ok(answer?),
            // The port panicked or took too long. It may still have done what was asked, for example made a key.
            Ok(Err(_)) | Err(_) => Err(Error::Platform(PlatformError::Transient)),
        }
    }

    /// Deletes the key `alias`, then checks that the key store no longer has the key. The check detects a key store
    /// that reports success but has not deleted the key.
    ///
    /// # Errors
    /// `Platform` with the key store's error; `Platform(Transient)` when the key still exists.
    pub(crate) async fn delete_key(&self, alias: String) -> Result<(), Error> {
        let wanted = alias.clone();
        self.ask(move |ports| ports.key_store.delete(wanted)).await?;
        match self.ask(move |ports| ports.key_store.public_key(alias)).await {
            Err(Error::Platform(PlatformError::Gone)) => Ok(()),
            Ok(_still_there) => Err(Error::Platform(PlatformError::Transient)),
            Err(error) => Err(error),
        }
    }

    /// Signs `payload` with the private key that has this alias, and returns a compact JWS (ES256). The JWS header
    /// contains `typ` and `key`.
    ///
    /// # Errors
    /// `Platform` with the key store's error; `Platform(Unusable)` when the signature is not DER. This method does not
    /// verify the signature: see `check_own_signature`.
    pub(crate) async fn sign_jws(
        &self,
        alias: &str,
        typ: &str,
        key: HeaderKey<'_>,
        payload: &impl Serialize,
    ) -> Result<String, Error> {
        let unusable = |_malformed| Error::Platform(PlatformError::Unusable);
        let input = jose::signing_input(typ, key, payload).map_err(unusable)?;
        let alias = alias.to_owned();
        let message = input.clone().into_bytes();
        let der = self.ask(move |ports| ports.key_store.sign(alias, message)).await?;
        let signature = jose::signature_from_der(&der).map_err(unusable)?;
        Ok(jose::attach(&input, &signature))
    }
}

/// Verifies that `key` made the signature of a JWS that this phone has signed.
///
/// An answer is signed once and resent for a day, so a signature that no service accepts must not be stored.
///
/// # Errors
/// `Platform(Unusable)` for malformed input or the signature of another key.
pub(crate) fn check_own_signature(jws: &str, key: &PublicKey) -> Result<(), Error> {
    let unusable = || Error::Platform(PlatformError::Unusable);
    let (input, signature) = jws.rsplit_once('.').ok_or_else(unusable)?;
    let signature = base64url::decode(signature).map_err(|_malformed| unusable())?;
    key.verify(input.as_bytes(), &signature).map_err(|_wrong| unusable())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::testing::FakeKeyStore;
    use crate::values::platform::{KeyGuard, KeyStore};

    #[test]
    fn check_own_signature_refuses_the_signature_of_another_key() {
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
