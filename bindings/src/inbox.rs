//! The API of a notification extension, a process that never opens the authenticator.

use std::path::Path;
use std::sync::Arc;

use countersign::{KeyStore, Timestamp};

use crate::prompts::PushEffect;

/// The folder that app and notification extension share, opened in the extension.
///
/// Its methods are synchronous, since an extension handles one push and has only a few seconds.
#[derive(uniffi::Object)]
pub struct Inbox(countersign::Inbox);

/// Why the inbox can't be opened. In each case show a notification without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum InboxError {
    /// The key store can't be read before the first unlock since the device started.
    #[error("the key store is not yet unlocked")]
    NotYetUnlocked,
    /// The folder has no snapshot file: the app was never opened on this device.
    #[error("the app was not opened yet")]
    NoSnapshot,
    /// The snapshot file can't be read, is damaged, or comes from another version or device. Opening the app writes a
    /// new one.
    #[error("the snapshot can't be opened")]
    Unreadable,
    /// The key store failed or refused.
    #[error("the platform refused")]
    PlatformRefused,
}

impl From<countersign::InboxError> for InboxError {
    fn from(error: countersign::InboxError) -> Self {
        match error {
            countersign::InboxError::NotYetUnlocked => Self::NotYetUnlocked,
            countersign::InboxError::NoSnapshot => Self::NoSnapshot,
            countersign::InboxError::Unreadable => Self::Unreadable,
            countersign::InboxError::Platform(_) => Self::PlatformRefused,
        }
    }
}

#[uniffi::export]
impl Inbox {
    /// Opens the inbox in `folder`, which is the app's `Folders.inbox`. Calls the key store once, to unwrap one key.
    ///
    /// After the first unlock since the device started, the extension must always be able to read the folder and the
    /// wrapping key. On iOS put the folder into an App Group and the key into a Keychain access group, and protect both
    /// as "after first unlock" (the key also as "this device only").
    #[uniffi::constructor]
    pub fn open(folder: String, key_store: Arc<dyn KeyStore>) -> Result<Arc<Self>, InboxError> {
        Ok(Arc::new(Self(countersign::Inbox::open(Path::new(&folder), key_store.as_ref())?)))
    }

    /// Handles one push at this phone's time `now` and returns what to show.
    ///
    /// `slot` is the account's slot at the relay (16 bytes), `body` the encrypted message (RFC 8291). A push that can't
    /// be decrypted and verified is dropped. Fails with `Unreadable` when the account's file is damaged: show a
    /// notification without content.
    pub fn push_received(&self, slot: Vec<u8>, body: Vec<u8>, now: Timestamp) -> Result<PushEffect, InboxError> {
        Ok(self.0.push_received(&slot, &body, now)?.into())
    }
}
