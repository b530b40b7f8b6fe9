//! The API of a notification extension. The extension decrypts and verifies one push, and writes one file for the app.
//!
//! An extension is a separate process with little memory, which the system starts for one push and ends soon after. The
//! extension never opens the authenticator. It reads a small sealed snapshot file that the app wrote, and writes each
//! verified push into a file that the app imports later. All calls are synchronous and need no tokio, reqwest or
//! rusqlite.
//!
//! ```text
//!  app ── snapshot (sealed) ──▶ folder ◀── one file for each verified push (sealed) ── extension
//!   ▲                              │
//!   └──────── imports ─────────────┘
//! ```

mod files;
#[cfg(feature = "authenticator")]
mod keeper;
mod snapshot;

use std::io::ErrorKind;
use std::path::Path;

use crate::base::clock::Timestamp;
use crate::base::seal::Sealer;
use crate::protocol::push_message::strip_padding;
use crate::protocol::verify::{PushContent, verify_push};
use crate::values::fatigue::Loudness;
use crate::values::origin::Origin;
use crate::values::platform::{KeyStore, PlatformError};
use crate::values::prompt::{Prompt, PushEffect};
use files::{Files, Keeping, Kept, Kind, Seen};
use snapshot::{Recipient, SealedSnapshot};

#[cfg(feature = "authenticator")]
pub(crate) use {files::Kept as KeptPush, keeper::Keeper, snapshot::Recipient as InboxRecipient};

/// The folder that app and notification extension share, opened in the extension.
pub struct Inbox {
    files: Files,
    recipients: Vec<Recipient>,
}

/// Why the inbox can't be opened. In each case show a notification without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    /// The key store failed or refused, with this error.
    #[error("the platform refused: {0}")]
    Platform(PlatformError),
}

impl Inbox {
    /// Opens the inbox in `folder`, which is the app's `Folders::inbox`. Calls the key store once, to unwrap one key.
    ///
    /// Pushes also arrive while the phone is locked. The extension must therefore always be able to read the folder and
    /// the wrapping key, except before the first unlock since the device started. On iOS put the folder into an App
    /// Group and the key into a Keychain access group, and protect both as "after first unlock" (the key also as "this
    /// device only").
    ///
    /// # Errors
    /// See `InboxError`; nothing is changed.
    ///
    /// # Security
    /// The extension gets no device key and no sign-in key: it can show prompts, but not answer them.
    pub fn open(folder: &Path, key_store: &dyn KeyStore) -> Result<Self, InboxError> {
        let text = std::fs::read(snapshot::path(folder)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => InboxError::NoSnapshot,
            _ => InboxError::Unreadable,
        })?;
        let sealed = SealedSnapshot::read(&text).ok_or(InboxError::Unreadable)?;
        let key = key_store.unwrap(sealed.wrapped_key().to_vec()).map_err(|error| match error {
            PlatformError::Locked => InboxError::NotYetUnlocked,
            PlatformError::Gone | PlatformError::Invalidated => InboxError::Unreadable,
            other => InboxError::Platform(other),
        })?;
        let sealer = Sealer::new(key).map_err(|_length| InboxError::Unreadable)?;
        let recipients = sealed.open(&sealer).ok_or(InboxError::Unreadable)?;
        Ok(Self { files: Files::new(folder, sealer), recipients })
    }

    /// Handles one push at this phone's time `now` and returns what to show.
    ///
    /// `slot` is the account's slot at the relay (16 bytes), `message` the encrypted message (RFC 8291). A push that
    /// can't be decrypted and verified is dropped. A repeated push returns `Nothing`. There is one exception: if the
    /// push could not be stored the first time, for example on a full disk, the repeated push has the same effect
    /// again. Showing a prompt twice is better than not showing it.
    #[must_use]
    pub fn push_received(&self, slot: &[u8], message: &[u8], now: Timestamp) -> PushEffect {
        self.files.sweep(now);
        let Some(recipient) = self.recipients.iter().find(|recipient| recipient.slot == slot) else {
            return PushEffect::Nothing;
        };
        let Ok(plain) = recipient.push_keys.decrypt(message) else {
            return PushEffect::Nothing;
        };
        let Ok(jws) = std::str::from_utf8(strip_padding(&plain)) else {
            return PushEffect::Nothing;
        };
        match verify_push(jws, &recipient.audience, now) {
            Ok(content) => self.keep(recipient, content, jws, now),
            Err(refusal) => {
                tracing::warn!(%refusal, "a push was refused");
                PushEffect::Nothing
            }
        }
    }

    /// Stores a verified push for the app, and returns its effect. A repeated push has the effect `Nothing`.
    fn keep(&self, recipient: &Recipient, content: PushContent, jws: &str, now: Timestamp) -> PushEffect {
        let account = &recipient.audience.account;
        let kept = Kept { account: account.clone(), jws: jws.to_owned(), received_at: now, seen: None, quiet: None };
        match content {
            PushContent::Prompt(prompt) => self.keep_prompt(recipient, prompt, kept, now),
            PushContent::Withdrawn { id, reason, .. } => match self.files.keep(&id.jti, Kind::Withdrawal, &kept) {
                Keeping::Known => PushEffect::Nothing,
                Keeping::New => PushEffect::Withdrawn(id, reason),
            },
            PushContent::Test { id } => match self.files.keep(&id, Kind::Test, &kept) {
                Keeping::Known => PushEffect::Nothing,
                Keeping::New => PushEffect::Test(account.clone()),
            },
        }
    }

    /// Stores a prompt. Returns `Nothing`, and stores nothing, when the prompt was withdrawn, when it is already
    /// stored, or when too many prompts of its origin wait.
    fn keep_prompt(&self, recipient: &Recipient, prompt: Box<Prompt>, kept: Kept, now: Timestamp) -> PushEffect {
        let jti = &prompt.id().jti;
        if self.files.has(&kept.account, jti, Kind::Withdrawal) {
            return PushEffect::Nothing;
        }
        let quiet = match self.loudness(recipient, prompt.origin(), now) {
            Loudness::Alert => None,
            Loudness::Quiet(quiet) => Some(quiet),
            Loudness::HeldBack => return PushEffect::Nothing,
        };
        let seen = Seen { jti: jti.clone(), origin: prompt.origin(), expires_at: prompt.expires_at() };
        match self.files.keep(jti, Kind::Prompt, &Kept { seen: Some(seen), quiet, ..kept }) {
            Keeping::Known => PushEffect::Nothing,
            Keeping::New => PushEffect::new_prompt(Box::new(Prompt { quiet, ..*prompt })),
        }
    }

    /// Decides whether a prompt alerts. The decision uses the fatigue guard's memory in the snapshot, and the prompts
    /// in the folder.
    fn loudness(&self, recipient: &Recipient, origin: Origin, now: Timestamp) -> Loudness {
        let (mut memory, mut waiting) = (recipient.memory.clone(), 0_usize);
        let account = &recipient.audience.account;
        for kept in self.files.all().into_iter().filter(|kept| kept.account == *account) {
            let Some(seen) = kept.seen else { continue };
            if kept.quiet.is_none() {
                memory.alerted(&seen.jti, seen.origin, kept.received_at);
            }
            let waits = seen.expires_at > now && !self.files.has(account, &seen.jti, Kind::Withdrawal);
            waiting = waiting.saturating_add(usize::from(waits && seen.origin == origin));
        }
        memory.judge(origin, waiting, now)
    }
}

#[cfg(all(test, feature = "authenticator"))]
mod tests;
