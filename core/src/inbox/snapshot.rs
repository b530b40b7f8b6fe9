//! The sealed snapshot that the app writes for its extension. It contains what the extension needs to decrypt and
//! verify pushes.
//!
//! The file contains a JSON object `{"v":1,"key":…,"sealed":…}`. `key` is the snapshot key, wrapped by the key store.
//! `sealed` is another JSON object with the accounts, encrypted with the snapshot key: nonce, ciphertext and tag
//! (AES-256-GCM). The snapshot contains push keys, but no secrets of codes, no device keys and no sign-in keys.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::base::jose;
use crate::base::jose::base64url;
use crate::base::seal::{Place, Sealer};
use crate::protocol::keys::ServiceKeys;
use crate::protocol::push_message::PushKeys;
use crate::protocol::verify::Audience;
use crate::values::account::AccountId;
use crate::values::fatigue::Memory;
use crate::values::issuer::Issuer;

const NAME: &str = "snapshot";
const VERSION: u64 = 1;
const PLACE: Place<'static> = Place { table: "inbox", row: NAME, column: "v1" };

/// Returns the snapshot's path in the shared folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// An account that can receive pushes.
#[derive(Clone)]
pub(crate) struct Recipient {
    /// The account's slot at the relay, 16 bytes.
    pub(crate) slot: Vec<u8>,
    pub(crate) push_keys: PushKeys,
    /// The account and device for which prompts are accepted, and the keys that must have signed them.
    pub(crate) audience: Audience,
    /// The fatigue guard's memory when the snapshot was written.
    pub(crate) memory: Memory,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    v: u64,
    key: String,
    sealed: String,
}

#[derive(Serialize, Deserialize)]
struct Content {
    accounts: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    id: AccountId,
    slot: String,
    push_keys: Zeroizing<String>,
    issuer: Issuer,
    device_id: String,
    account_id: String,
    user_name: String,
    service_keys: ServiceKeys,
    clock_offset: i64,
    #[serde(default)]
    memory: Memory,
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

impl Entry {
    fn into_recipient(self) -> Option<Recipient> {
        let push_keys = Zeroizing::new(base64url::decode(&self.push_keys).ok()?);
        Some(Recipient {
            slot: base64url::decode(&self.slot).ok()?,
            push_keys: PushKeys::from_bytes(&push_keys).ok()?,
            audience: Audience {
                account: self.id,
                issuer: self.issuer,
                device_id: self.device_id,
                account_id: self.account_id,
                user_name: self.user_name,
                service_keys: self.service_keys,
                clock_offset: self.clock_offset,
            },
            memory: self.memory,
        })
    }

    #[cfg(feature = "authenticator")]
    fn of(recipient: &Recipient) -> Self {
        let audience = recipient.audience.clone();
        Self {
            id: audience.account,
            slot: base64url::encode(&recipient.slot),
            // EXPOSE: sealed by the caller before it is written.
            push_keys: Zeroizing::new(base64url::encode(recipient.push_keys.to_bytes().expose())),
            issuer: audience.issuer,
            device_id: audience.device_id,
            account_id: audience.account_id,
            user_name: audience.user_name,
            service_keys: audience.service_keys,
            clock_offset: audience.clock_offset,
            // GUARD(mute-in-the-extension): j6_a_muted_account_gets_quiet_but_answerable_prompts
            // INSTEAD: memory: Memory::default(),
            memory: recipient.memory.clone(),
        }
    }
}

/// Returns the content of a snapshot file, or `None` when the system gives no random bytes for the nonce.
#[cfg(feature = "authenticator")]
pub(super) fn text(recipients: &[Recipient], wrapped_key: &[u8], sealer: &Sealer) -> Option<Vec<u8>> {
    let content = Content { accounts: recipients.iter().map(Entry::of).collect() };
    let plain = Zeroizing::new(serde_json::to_vec(&content).ok()?);
    let sealed = base64url::encode(&sealer.seal(&PLACE, &plain).ok()?);
    serde_json::to_vec(&Envelope { v: VERSION, key: base64url::encode(wrapped_key), sealed }).ok()
}
