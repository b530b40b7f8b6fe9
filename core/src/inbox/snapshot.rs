//! The snapshot that the app leaves for its extension: what is needed to decrypt and verify, sealed.
//!
//! A JSON object `{"v":1,"key":…,"sealed":…}`: the snapshot key as the key store wrapped it, and nonce,
//! ciphertext and tag (AES-256-GCM) of a JSON object with the accounts. No code secrets, no device keys.

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

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// An account that pushes may come for.
#[derive(Clone)]
pub(crate) struct Recipient {
    pub(crate) slot: Vec<u8>,
    pub(crate) push_keys: PushKeys,
    pub(crate) audience: Audience,
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

/// A snapshot whose key is not known yet.
pub(super) struct SealedSnapshot {
    wrapped_key: Vec<u8>,
    sealed: Vec<u8>,
}

impl SealedSnapshot {
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

    pub(super) fn wrapped_key(&self) -> &[u8] {
        &self.wrapped_key
    }

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
            // GUARD(mute-in-the-extension): j6_a_muted_account_alerts_nobody_until_it_ends_and_is_answered_all_the_same
            // INSTEAD: memory: Memory::default(),
            memory: recipient.memory.clone(),
        }
    }
}

/// The text of a snapshot file; `None` when there is no randomness to seal with.
#[cfg(feature = "authenticator")]
pub(super) fn text(recipients: &[Recipient], wrapped_key: &[u8], sealer: &Sealer) -> Option<Vec<u8>> {
    let content = Content { accounts: recipients.iter().map(Entry::of).collect() };
    let plain = Zeroizing::new(serde_json::to_vec(&content).ok()?);
    let sealed = base64url::encode(&sealer.seal(&PLACE, &plain).ok()?);
    serde_json::to_vec(&Envelope { v: VERSION, key: base64url::encode(wrapped_key), sealed }).ok()
}
