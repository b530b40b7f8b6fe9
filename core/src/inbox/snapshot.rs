//! The sealed snapshot of all accounts that version 0.1 wrote for its extension. It is still read, because pushes arrive
//! after an update before the app is opened. `accounts` has the files that this version writes.
//!
//! The file contains a JSON object `{"v":1,"key":…,"sealed":…}`. `key` is the snapshot key, wrapped by the key store.
//! `sealed` is another JSON object with the accounts, encrypted with the snapshot key: nonce, ciphertext and tag
//! (AES-256-GCM).

use serde::Deserialize;

use crate::base::jose;
use crate::base::jose::base64url;
use crate::base::seal::{Place, Sealer};
use crate::inbox::recipient::{Entry, Recipient};

/// The name of the snapshot file.
pub(super) const NAME: &str = "snapshot";
const VERSION: u64 = 1;
const PLACE: Place<'static> = Place { table: "inbox", row: NAME, column: "v1" };

#[derive(Deserialize)]
struct Envelope {
    v: u64,
    key: String,
    sealed: String,
}

#[derive(Deserialize)]
struct Content {
    accounts: Vec<Entry>,
}

/// A parsed snapshot that is still sealed; its key must be unwrapped first.
pub(super) struct SealedSnapshot {
    wrapped_key: Vec<u8>,
    sealed: Vec<u8>,
}

impl SealedSnapshot {
    /// Parses a snapshot. Returns `None` when it is malformed or has another version.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let envelope: Envelope = jose::parse(text).ok()?;
        if envelope.v != VERSION {
            return None;
        }
        Some(Self {
            wrapped_key: base64url::decode(&envelope.key).ok()?,
            sealed: base64url::decode(&envelope.sealed).ok()?,
        })
    }

    /// Returns the wrapped snapshot key, for the key store to unwrap.
    pub(super) fn wrapped_key(&self) -> &[u8] {
        &self.wrapped_key
    }

    /// Opens the snapshot and returns its accounts. Returns `None` when `sealer` has another key, or when the content
    /// is malformed.
    pub(super) fn open(&self, sealer: &Sealer) -> Option<Vec<Recipient>> {
        let plain = sealer.open(&PLACE, &self.sealed).ok()?;
        let content: Content = jose::parse(&plain).ok()?;
        content.accounts.into_iter().map(Entry::into_recipient).collect()
    }
}
