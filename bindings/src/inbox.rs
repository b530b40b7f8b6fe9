//! What a notification extension may do, in a process that never opens the authenticator.

use std::path::Path;
use std::sync::Arc;

use countersign::{KeyStore, Timestamp};

use crate::prompts::PushEffect;

/// The folder that app and extension share, opened in the extension. Synchronous: an extension has one thing
/// to do and a few seconds for it.
#[derive(uniffi::Object)]
pub struct Inbox(countersign::Inbox);

/// Why the inbox can't be opened; show a notification without content then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum InboxError {
    /// The key store can't be read before the first unlock after a restart.
    #[error("the key store is not yet unlocked")]
    NotYetUnlocked,
    /// The app has not left a snapshot yet.
    #[error("the app was not opened yet")]
    NoSnapshot,
    /// The snapshot is damaged, of another version or of another device; opening the app makes it anew.
    #[error("the snapshot can't be opened")]
    Unreadable,
    /// The key store did not answer this time, or refused.
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
    /// Opens the `inbox` folder that the app was opened with; asks the key store to unwrap one key, and nothing else.
    ///
    /// Folder and wrapping key must be readable in this process from the first unlock on: on iOS an App Group and a
    /// Keychain access group, "after first unlock, this device only".
    #[uniffi::constructor]
    pub fn open(folder: String, key_store: Arc<dyn KeyStore>) -> Result<Arc<Self>, InboxError> {
        Ok(Arc::new(Self(countersign::Inbox::open(Path::new(&folder), key_store.as_ref())?)))
    }

    /// Handles one push at this phone's time `now`; what can't be decrypted and verified is dropped.
    pub fn push_received(&self, slot: Vec<u8>, body: Vec<u8>, now: Timestamp) -> Result<PushEffect, InboxError> {
        Ok(self.0.push_received(&slot, &body, now).into())
    }
}
