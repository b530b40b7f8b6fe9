//! What the shell hands over when it opens the authenticator.

use std::sync::Arc;

use countersign::{DeviceDescription, DeviceLock, KeyStore, PushChannel, TlsTrust};

/// What the platform gives the core.
#[derive(uniffi::Record)]
pub struct Ports {
    /// Keys that never leave the device.
    pub key_store: Arc<dyn KeyStore>,
    /// Whether the device has a lock.
    pub device_lock: Arc<dyn DeviceLock>,
    /// How pushes reach this phone.
    pub push_channel: Arc<dyn PushChannel>,
    /// Which certificate chains are trusted.
    pub tls_trust: Arc<dyn TlsTrust>,
    /// What this phone says of itself.
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
