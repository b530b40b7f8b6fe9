//! Defines the ports: the traits through which the core uses its platform.
//!
//! The app (Kotlin, Swift, the terminal phone) implements them. Their methods are synchronous: the core calls them on
//! blocking threads with a limit of 30 seconds (five for `TlsTrust`), never inside a database transaction. The core
//! decides what a port's result means.

use serde::{Deserialize, Serialize};

use crate::base::secret::NoRandomness;
#[cfg(feature = "authenticator")]
use crate::base::text::without_controls;

/// Why a port failed. The app's implementation chooses the variant.
///
/// The core abandons a key only after `Gone` or `Invalidated`, so return these two only when the platform says so for
/// certain; when in doubt return `Transient`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
pub enum PlatformError {
    /// The key store can't be read before the first unlock since the device started.
    #[error("the key store is not yet unlocked")]
    Locked,
    /// A failure that may be temporary: the core tries again later.
    #[error("a temporary failure")]
    Transient,
    /// The person cancelled the platform's dialog.
    #[error("cancelled by the person")]
    Cancelled,
    /// The key exists, but the platform will never allow its use again, for example after new biometrics were added.
    #[error("the key was invalidated")]
    Invalidated,
    /// The key does not exist. Return `Gone` only when the platform says so for certain.
    #[error("the key does not exist")]
    Gone,
    /// The passphrase that opens the key store or unlocks the key is wrong.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The platform refuses permanently: not supported, or the key store is damaged.
    #[error("the platform can't do this")]
    Unusable,
}

impl From<NoRandomness> for PlatformError {
    fn from(_none: NoRandomness) -> Self {
        Self::Unusable
    }
}

/// An unexpected exception of the app's port counts as a temporary failure: it does not show that a key is gone.
#[cfg(feature = "uniffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for PlatformError {
    fn from(_thrown: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Transient
    }
}

/// Whether and how the person is verified at each use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum KeyGuard {
    /// No verification; usable after the first unlock since the device started. For device keys.
    AfterFirstUnlock,
    /// Biometrics only, at each use. Adding or changing biometrics invalidates the key. For sign-in keys.
    BiometricCurrentSet,
    /// Biometrics or the PIN, pattern or password of the device, at each use. Removing the device lock destroys the
    /// key. For sign-in keys.
    BiometricOrCredential,
}

/// The platform's key store: P-256 keys that never leave it, and one symmetric wrapping key that encrypts a few bytes.
///
/// # Security
/// Private keys must not be exportable where the platform supports that. `wrap` must be authenticated encryption under
/// a key that is in no backup, so that a copied database can't be opened on another device.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait KeyStore: Send + Sync {
    /// Makes a P-256 key under `alias` and returns its public point (65 bytes, uncompressed).
    ///
    /// The core makes only device keys through this port (`AfterFirstUnlock`); refuse other guards with `Unusable`. The
    /// app itself makes the sign-in keys, in the same key store, when the core returns the step `MakeKey`. The core
    /// calls `public_key` and `delete` for both kinds of keys.
    ///
    /// If a key exists under `alias`, keep it and return its public point: the core may repeat an interrupted act.
    fn make(&self, alias: String, guard: KeyGuard) -> Result<Vec<u8>, PlatformError>;

    /// Returns the public point (65 bytes, uncompressed) of the key under `alias`; fails with `Gone` when there is
    /// none.
    fn public_key(&self, alias: String) -> Result<Vec<u8>, PlatformError>;

    /// Signs `content` with ECDSA P-256 and SHA-256 and returns the signature in ASN.1 DER. The core calls it only for
    /// keys that need no user verification. Fails with `Gone` when there is no such key.
    fn sign(&self, alias: String, content: Vec<u8>) -> Result<Vec<u8>, PlatformError>;

    /// Destroys the key under `alias`. Succeeds when there is none. The core then checks with `public_key` that the key
    /// is gone.
    fn delete(&self, alias: String) -> Result<(), PlatformError>;

    /// Encrypts at most 64 bytes under the key store's wrapping key, which the first call creates.
    fn wrap(&self, plain: Vec<u8>) -> Result<Vec<u8>, PlatformError>;

    /// Decrypts the result of `wrap`. Fails with `Gone` when the value was wrapped with another wrapping key, for
    /// example on another device. Must not create a wrapping key.
    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError>;
}

/// The lock that is set on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum LockState {
    /// No lock: anyone who holds the device can use it.
    Missing,
    /// A PIN, pattern or password, without biometrics.
    Credential,
    /// Biometrics that can guard a key (class 3 on Android), and a PIN, pattern or password.
    Biometric,
}

/// The port that reads the device lock.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait DeviceLock: Send + Sync {
    /// Returns the lock as it is set now. Don't cache it: the person can remove the lock at any time.
    fn state(&self) -> Result<LockState, PlatformError>;
}

/// What the device does with this app's pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum PushDelivery {
    /// Pushes are delivered and shown.
    Allowed,
    /// Pushes may come late or not at all, because the device saves battery or data.
    Restricted,
    /// The person does not allow the app to show notifications.
    Blocked,
    /// The platform does not report what it does with pushes.
    Unknown,
}

/// The port to the platform's or the relay's push service.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait PushChannel: Send + Sync {
    /// Registers a slot for a service's VAPID key, and returns the Web Push endpoint (sections 3.2 and 8 of the
    /// protocol). Each account has its own slot of 16 random bytes. The VAPID key has 65 bytes (uncompressed). The
    /// endpoint is an `https` URL of at most 1,024 bytes.
    ///
    /// May use the network. A call for the same slot may return another endpoint.
    fn subscribe(&self, vapid_key: Vec<u8>, slot: Vec<u8>) -> Result<String, PlatformError>;

    /// Returns what the device does with pushes now. Don't cache it: the person can change it at any time.
    fn delivery(&self) -> Result<PushDelivery, PlatformError>;
}

/// The port that decides whether a certificate chain is trusted.
///
/// The core itself checks the host name and the handshake's signatures. This port only decides whether the chain leads
/// to an authority that the platform (or the organization's profile on it) trusts. If a call takes longer than five
/// seconds, the chain counts as not trusted.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait TlsTrust: Send + Sync {
    /// Returns whether `chain` (DER, end entity first) is trusted for `host` at `now` (seconds since 1970, by this
    /// phone's clock). An error counts as not trusted.
    fn is_trusted(&self, host: String, chain: Vec<Vec<u8>>, now: u64) -> Result<bool, PlatformError>;
}

/// How the phone describes itself when it is added to an account. The service shows the description in the wizard.
///
/// Set by the app. Before the core sends a text, it removes control and direction characters and cuts the text to 128
/// characters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct DeviceDescription {
    /// The name that the person gave the phone, for example "Ada's phone".
    pub name: String,
    /// The model, for example "Pixel 9": the person compares it in the wizard.
    pub model: String,
    /// The operating system and its version, for example "Android 16".
    pub os: String,
    /// The version of the app.
    pub app_version: String,
}

impl LockState {
    /// Returns whether a key with this guard can be made while the device has this lock.
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

/// Longest text of a device description, in characters (section 3.2 of the protocol).
#[cfg(feature = "authenticator")]
const MAX_DESCRIPTION: usize = 128;

impl DeviceDescription {
    /// Returns the description in the form that services accept; an empty text becomes "unknown".
    ///
    /// Platforms allow any name. A family emoji, for example, contains an invisible joiner: a service would refuse this
    /// name, and the phone could not be added.
    #[must_use]
    #[cfg(feature = "authenticator")]
    pub(crate) fn cleaned(self) -> Self {
        let cleaned = |text: String| -> String {
            let seen = without_controls(&text);
            let cut: String = seen.trim().chars().take(MAX_DESCRIPTION).collect();
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
    fn each_lock_supports_only_its_key_guards() {
        let locks = [LockState::Missing, LockState::Credential, LockState::Biometric];
        let by = |guard| locks.map(|lock| lock.guards(guard));
        assert_eq!(by(KeyGuard::BiometricOrCredential), [false, true, true]);
        assert_eq!(by(KeyGuard::BiometricCurrentSet), [false, false, true]);
        assert_eq!(by(KeyGuard::AfterFirstUnlock), [true, true, true]);
    }

    #[test]
    fn any_device_name_is_cleaned_for_services() {
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
