//! The ports as foreign traits: what the shell implements, in Kotlin or Swift.
//!
//! They are called on threads of the core, never on the caller's, several at once, and each call has a time
//! limit; a call that comes back later is forgotten. What one throws beside `PlatformError` counts as
//! `Transient`: it says nothing about the key.

use std::sync::Arc;

use countersign::{DeviceDescription, KeyGuard, LockState, PushDelivery};

/// Why a port could not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum PlatformError {
    /// The store is there but can't be read before the first unlock after a restart.
    #[error("the key store is not yet unlocked")]
    Locked,
    /// A fault that may pass: ask again later.
    #[error("the platform did not answer this time")]
    Transient,
    /// The person turned the platform's question away.
    #[error("cancelled by the person")]
    Cancelled,
    /// The key exists but the platform will never let it be used again.
    #[error("the key was invalidated")]
    Invalidated,
    /// The key does not exist. Say so only when the platform says for certain that it does not.
    #[error("the key does not exist")]
    Gone,
    /// The passphrase or credential that opens the store was wrong.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The platform refuses for good: not supported, or damaged.
    #[error("the platform can't do this")]
    Unusable,
}

impl From<PlatformError> for countersign::PlatformError {
    fn from(error: PlatformError) -> Self {
        match error {
            PlatformError::Locked => Self::Locked,
            PlatformError::Transient => Self::Transient,
            PlatformError::Cancelled => Self::Cancelled,
            PlatformError::Invalidated => Self::Invalidated,
            PlatformError::Gone => Self::Gone,
            PlatformError::WrongPassphrase => Self::WrongPassphrase,
            PlatformError::Unusable => Self::Unusable,
        }
    }
}

impl From<uniffi::UnexpectedUniFFICallbackError> for PlatformError {
    fn from(_thrown: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Transient
    }
}

/// Who must be there for a key to be used.
#[uniffi::remote(Enum)]
pub enum KeyGuard {
    /// Usable after the first unlock since the device started; nobody is asked.
    AfterFirstUnlock,
    /// The person is asked for each use, by biometrics only; enrolling new ones invalidates the key.
    BiometricCurrentSet,
    /// The person is asked for each use, by biometrics or PIN, pattern, password; gone with the device lock.
    BiometricOrCredential,
}

/// Whether the device has a lock, and of which kind.
#[uniffi::remote(Enum)]
pub enum LockState {
    /// No lock: anybody who holds the device can use it.
    Missing,
    /// A PIN, pattern or password.
    Credential,
    /// Biometrics, with a PIN, pattern or password behind them.
    Biometric,
}

/// What the device does with pushes for this app.
#[uniffi::remote(Enum)]
pub enum PushDelivery {
    /// They are delivered and shown.
    Allowed,
    /// They may come late or not at all, since the device saves its battery or data.
    Restricted,
    /// The person has forbidden the app to show them.
    Blocked,
    /// The platform does not say.
    Unknown,
}

/// What the phone says of itself when it is added to an account.
#[uniffi::remote(Record)]
pub struct DeviceDescription {
    /// The person's own name for it, e.g. "Ada's phone".
    pub name: String,
    /// The model, shown in the wizard, e.g. "Pixel 9".
    pub model: String,
    /// Operating system and version.
    pub os: String,
    /// Version of the app that embeds the core.
    pub app_version: String,
}

/// The platform's key store: P-256 keys that never leave it, and one key that wraps a few bytes.
///
/// Private keys must not be exportable where the platform offers that. `wrap` must be authenticated
/// encryption under a key that is not part of any backup, so that a copied database opens nowhere else.
#[uniffi::export(rust, foreign)]
pub trait KeyStore: Send + Sync {
    /// Makes a P-256 key under `alias` and returns its public point (65 bytes, uncompressed).
    ///
    /// Only keys that ask nobody are made through this port; a key that asks the person is made by the app itself,
    /// in the same key store, when `Step.MakeKey` asks for it. `public_key` and `delete` are called for both.
    ///
    /// A key that already stands under `alias` is kept and its public point returned, so that an act
    /// cut off after this call can be done again.
    fn make(&self, alias: String, guard: KeyGuard) -> Result<Vec<u8>, PlatformError>;

    /// The public point (65 bytes) of the key under `alias`; throws `Gone` when there is none.
    fn public_key(&self, alias: String) -> Result<Vec<u8>, PlatformError>;

    /// Signs `content` with ECDSA P-256 and SHA-256; the signature is ASN.1 DER, as platforms make it.
    fn sign(&self, alias: String, content: Vec<u8>) -> Result<Vec<u8>, PlatformError>;

    /// Destroys the key under `alias`; no error when there is none.
    fn delete(&self, alias: String) -> Result<(), PlatformError>;

    /// Encrypts a few bytes (at most 64) under the store's own wrapping key, made when first needed.
    fn wrap(&self, plain: Vec<u8>) -> Result<Vec<u8>, PlatformError>;

    /// Opens what `wrap` made; throws `Gone` when the wrapping key is not the one that made it.
    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError>;
}

/// The device's own lock.
#[uniffi::export(rust, foreign)]
pub trait DeviceLock: Send + Sync {
    /// The lock as it is set now; asked anew each time, since it can be taken off at any moment.
    fn state(&self) -> Result<LockState, PlatformError>;
}

/// How pushes reach this phone.
#[uniffi::export(rust, foreign)]
pub trait PushChannel: Send + Sync {
    /// Registers `slot` (16 bytes) for a service's VAPID key (65 bytes) and returns the Web Push endpoint.
    ///
    /// May use the network. Asked again for the same slot it may return another endpoint.
    fn subscribe(&self, vapid_key: Vec<u8>, slot: Vec<u8>) -> Result<String, PlatformError>;

    /// What the device does with pushes at present; asked anew each time, since the person can change it at any moment.
    fn delivery(&self) -> Result<PushDelivery, PlatformError>;
}

/// Whether the platform trusts a certificate chain.
///
/// The name check and the handshake's signatures stay in the core: this port only says whether the chain
/// leads to an authority that the platform trusts. One that takes longer than five seconds does not trust.
#[uniffi::export(rust, foreign)]
pub trait TlsTrust: Send + Sync {
    /// True when `chain` (DER, end entity first) is trusted for `host` at `now` (seconds since 1970).
    fn is_trusted(&self, host: String, chain: Vec<Vec<u8>>, now: u64) -> Result<bool, PlatformError>;
}

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
            key_store: Arc::new(Foreign(ports.key_store)),
            device_lock: Arc::new(Foreign(ports.device_lock)),
            push_channel: Arc::new(Foreign(ports.push_channel)),
            tls_trust: Arc::new(Foreign(ports.tls_trust)),
            clock: Arc::new(countersign::SystemClock),
            device: ports.device,
        }
    }
}

/// A port of the shell, as the core knows it.
pub(crate) struct Foreign<P: ?Sized>(pub(crate) Arc<P>);

impl countersign::KeyStore for Foreign<dyn KeyStore> {
    fn make(&self, alias: String, guard: KeyGuard) -> Result<Vec<u8>, countersign::PlatformError> {
        Ok(self.0.make(alias, guard)?)
    }

    fn public_key(&self, alias: String) -> Result<Vec<u8>, countersign::PlatformError> {
        Ok(self.0.public_key(alias)?)
    }

    fn sign(&self, alias: String, message: Vec<u8>) -> Result<Vec<u8>, countersign::PlatformError> {
        Ok(self.0.sign(alias, message)?)
    }

    fn delete(&self, alias: String) -> Result<(), countersign::PlatformError> {
        Ok(self.0.delete(alias)?)
    }

    fn wrap(&self, plain: Vec<u8>) -> Result<Vec<u8>, countersign::PlatformError> {
        Ok(self.0.wrap(plain)?)
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, countersign::PlatformError> {
        Ok(self.0.unwrap(wrapped)?)
    }
}

impl countersign::DeviceLock for Foreign<dyn DeviceLock> {
    fn state(&self) -> Result<LockState, countersign::PlatformError> {
        Ok(self.0.state()?)
    }
}

impl countersign::PushChannel for Foreign<dyn PushChannel> {
    fn subscribe(&self, vapid_key: Vec<u8>, slot: Vec<u8>) -> Result<String, countersign::PlatformError> {
        Ok(self.0.subscribe(vapid_key, slot)?)
    }

    fn delivery(&self) -> Result<PushDelivery, countersign::PlatformError> {
        Ok(self.0.delivery()?)
    }
}

impl countersign::TlsTrust for Foreign<dyn TlsTrust> {
    fn is_trusted(&self, host: String, chain: Vec<Vec<u8>>, now: u64) -> Result<bool, countersign::PlatformError> {
        Ok(self.0.is_trusted(host, chain, now)?)
    }
}
