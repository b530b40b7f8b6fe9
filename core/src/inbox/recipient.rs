//! An account that can receive pushes, as the extension needs it, and its JSON form.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::base::jose;
use crate::base::jose::base64url;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::push_message::PushKeys;
use crate::protocol::verify::Audience;
use crate::values::account::AccountId;
use crate::values::fatigue::Memory;
use crate::values::issuer::Issuer;

/// An account that can receive pushes.
#[derive(Clone)]
pub(crate) struct Recipient {
    /// The account's slot at the relay, 16 bytes.
    pub(crate) slot: Vec<u8>,
    pub(crate) push_keys: PushKeys,
    /// The account and device for which prompts are accepted, and the keys that must have signed them.
    pub(crate) audience: Audience,
    /// The fatigue guard's memory when this was written.
    pub(crate) memory: Memory,
}

/// The JSON form of a recipient. It contains push keys, so it is always sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
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

impl Recipient {
    /// Parses the JSON form. Returns `None` when it is malformed.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        jose::parse::<Entry>(json).ok()?.into_recipient()
    }

    /// Returns the JSON form. The caller must seal it.
    #[cfg(feature = "authenticator")]
    pub(super) fn to_json(&self) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        serde_json::to_vec(&Entry::of(self)).map(Zeroizing::new)
    }
}

impl Entry {
    pub(super) fn into_recipient(self) -> Option<Recipient> {
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
