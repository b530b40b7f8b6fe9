//! Defines the record of ports that the app passes when it opens the authenticator.

use std::sync::Arc;

use countersign::{DeviceDescription, DeviceLock, KeyStore, PushChannel, TlsTrust};

/// The implementations that the core calls, set by the app. There is no port for the clock: the core uses the system's
/// clock.
#[derive(uniffi::Record)]
pub struct Ports {
    /// The platform's key store: Android Keystore, or Secure Enclave and Keychain.
    pub key_store: Arc<dyn KeyStore>,
    /// Reads which lock the device has.
    pub device_lock: Arc<dyn DeviceLock>,
    /// Provides push addresses, and reads what the device does with pushes.
    pub push_channel: Arc<dyn PushChannel>,
    /// Decides which certificate chains are trusted.
    pub tls_trust: Arc<dyn TlsTrust>,
    /// The phone's name and model, shown by the service when an account is added.
    pub device: DeviceDescription,
}

impl From<Ports> for countersign::Ports {
    fn from(ports: Ports) -> Self {
        Self {
            key_store: ports.key_store,
            device_lock: ports.device_lock,
            push_channel: ports.push_channel,
            tls_trust: ports.tls_trust,
            clock: Arc::new(countersign::SystemClock),
            device: ports.device,
        }
    }
}
