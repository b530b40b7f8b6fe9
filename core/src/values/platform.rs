//! The ports: what the core asks of the platform it runs on.
//!
//! A shell (Kotlin, Swift, the terminal phone) implements these traits. They are synchronous; the core
//! calls them on blocking threads with a time limit, never inside a transaction. What the answers mean
//! for the person is decided in the core.

use serde::{Deserialize, Serialize};

use crate::base::secret::NoRandomness;
#[cfg(feature = "authenticator")]
use crate::base::text::without_controls;

/// Why a port could not do what was asked.
///
/// `Locked` and `Transient` are never taken for `Gone`: an account is given up only when the platform
/// says for certain that its key no longer exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
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

impl From<NoRandomness> for PlatformError {
    fn from(_none: NoRandomness) -> Self {
        Self::Unusable
    }
}

/// What a port of the shell throws beside `PlatformError` says nothing about a key.
#[cfg(feature = "uniffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for PlatformError {
    fn from(_thrown: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Transient
    }
}

/// Who must be there for a key to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum KeyGuard {
    /// Usable after the first unlock since the device started; nobody is asked.
    AfterFirstUnlock,
    /// The person is asked for each use, by biometrics only; enrolling new ones invalidates the key.
    BiometricCurrentSet,
    /// The person is asked for each use, by biometrics or PIN, pattern, password; gone with the device lock.
    BiometricOrCredential,
}

/// The platform's key store: P-256 keys that never leave it, and one key that wraps a few bytes.
///
/// # Security
/// Private keys must not be exportable where the platform offers that. `wrap` must be authenticated
/// encryption under a key that is not part of any backup, so that a copied database opens nowhere else.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait KeyStore: Send + Sync {
    /// Makes a P-256 key under `alias` and returns its public point (65 bytes, uncompressed).
    ///
    /// Only keys that ask nobody are made through this port; a key that asks the person is made by the app itself,
    /// in the same key store, when a step asks for it (`MakeKey`). `public_key` and `delete` are called for both.
    ///
    /// A key that already stands under `alias` is kept and its public point returned, so that an act
    /// cut off after this call can be done again.
    fn make(&self, alias: String, guard: KeyGuard) -> Result<Vec<u8>, PlatformError>;

    /// The public point (65 bytes) of the key under `alias`; `Gone` when there is none.
    fn public_key(&self, alias: String) -> Result<Vec<u8>, PlatformError>;

    /// Signs `content` with ECDSA P-256 and SHA-256; the signature is ASN.1 DER, as platforms make it.
    fn sign(&self, alias: String, content: Vec<u8>) -> Result<Vec<u8>, PlatformError>;

    /// Destroys the key under `alias`; no error when there is none.
    fn delete(&self, alias: String) -> Result<(), PlatformError>;

    /// Encrypts a few bytes (at most 64) under the store's own wrapping key, made when first needed.
    fn wrap(&self, plain: Vec<u8>) -> Result<Vec<u8>, PlatformError>;

    /// Opens what `wrap` made; `Gone` when the wrapping key is not the one that made it.
    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError>;
}

/// Whether the device has a lock, and of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum LockState {
    /// No lock: anybody who holds the device can use it.
    Missing,
    /// A PIN, pattern or password.
    Credential,
    /// Biometrics, with a PIN, pattern or password behind them.
    Biometric,
}

/// The device's own lock.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait DeviceLock: Send + Sync {
    /// The lock as it is set now; asked anew each time, since it can be taken off at any moment.
    fn state(&self) -> Result<LockState, PlatformError>;
}

/// What the device does with pushes for this app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
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

/// How pushes reach this phone.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
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
/// The name check and the handshake's signatures stay in the core: this port only says whether the
/// chain leads to an authority that the platform (or the organization's profile on it) trusts. One that
/// takes longer than five seconds does not trust.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait TlsTrust: Send + Sync {
    /// True when `chain` (DER, end entity first) is trusted for `host` at `now` (seconds since 1970).
    fn is_trusted(&self, host: String, chain: Vec<Vec<u8>>, now: u64) -> Result<bool, PlatformError>;
}

/// What the phone says of itself when it is added to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
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

impl LockState {
    /// Whether this lock can guard a key.
    #[cfg(feature = "authenticator")]
    pub(crate) fn guards(self, guard: KeyGuard) -> bool {
        match (guard, self) {
            (KeyGuard::AfterFirstUnlock, _) => true,
            (KeyGuard::BiometricOrCredential, Self::Credential | Self::Biometric) => true,
            (KeyGuard::BiometricCurrentSet, Self::Biometric) => true,
            (KeyGuard::BiometricOrCredential | KeyGuard::BiometricCurrentSet, Self::Missing)
            | (KeyGuard::BiometricCurrentSet, Self::Credential) => false,
        }
    }
}

/// Longest text a phone says of itself, in characters.
#[cfg(feature = "authenticator")]
const MAX_SAID: usize = 128;

impl DeviceDescription {
    /// As services take it. Platforms allow any name, and a family of emoji is joined by a character that is not seen:
    /// refused, it would keep a phone out for its name alone.
    #[must_use]
    #[cfg(feature = "authenticator")]
    pub(crate) fn cleaned(self) -> Self {
        let cleaned = |text: String| -> String {
            let seen = without_controls(&text);
            let cut: String = seen.trim().chars().take(MAX_SAID).collect();
            if cut.is_empty() { "unknown".to_owned() } else { cut }
        };
        Self {
            name: cleaned(self.name),
            model: cleaned(self.model),
            os: cleaned(self.os),
            app_version: cleaned(self.app_version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_guards_only_what_it_can() {
        let locks = [LockState::Missing, LockState::Credential, LockState::Biometric];
        let by = |guard| locks.map(|lock| lock.guards(guard));
        assert_eq!(by(KeyGuard::BiometricOrCredential), [false, true, true]);
        assert_eq!(by(KeyGuard::BiometricCurrentSet), [false, false, true]);
        assert_eq!(by(KeyGuard::AfterFirstUnlock), [true, true, true]);
    }

    #[test]
    fn whatever_a_phone_is_called_a_service_can_take_it() {
        let cleaned = |name: &str| {
            let text = name.to_owned();
            DeviceDescription { name: text.clone(), model: text.clone(), os: text.clone(), app_version: text }.cleaned()
        };
        assert_eq!(cleaned("Ada's phone").name, "Ada's phone");
        assert_eq!(cleaned("\u{202e}x\n").model, "x");
        assert_eq!(cleaned("\u{1f469}\u{200d}\u{1f467}").os, "\u{1f469}\u{1f467}");
        assert_eq!(cleaned(&"é".repeat(200)).app_version.chars().count(), 128);
        assert_eq!(cleaned(" \u{200b} ").name, "unknown");
    }
}
