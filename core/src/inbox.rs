//! The API of a notification extension. The extension decrypts and verifies one push, and writes one file for the app.
//!
//! An extension is a separate process with little memory, which the system starts for one push and ends soon after. The
//! extension never opens the authenticator. It reads a small sealed file that the app wrote about the push's account,
//! and writes each verified push into a file that the app imports later. All calls are synchronous and need no tokio,
//! hyper or rusqlite.
//!
//! ```text
//!  app ── one file for each account (sealed) ──▶ folder ◀── one file for each verified push (sealed) ── extension
//!   ▲                                               │
//!   └────────────────── imports ────────────────────┘
//! ```

mod accounts;
mod files;
mod halves;
#[cfg(feature = "authenticator")]
mod keeper;
mod recipient;
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
use recipient::Recipient;
use snapshot::SealedSnapshot;

#[cfg(test)]
pub(crate) use accounts::name as account_file;
#[cfg(feature = "authenticator")]
pub(crate) use {
    files::{Durability as InboxDurability, Kept as KeptPush},
    keeper::Keeper,
    recipient::Recipient as InboxRecipient,
};

/// The folder that app and notification extension share, opened in the extension.
pub struct Inbox {
    files: Files,
    /// The accounts in the snapshot of version 0.1, if the app was not opened since the update.
    older: Option<Vec<Recipient>>,
}

/// Why the inbox can't be opened. In each case show a notification without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    /// The key store can't be read before the first unlock since the device started.
    #[error("the key store is not yet unlocked")]
    NotYetUnlocked,
    /// The folder has no files of the app: the app was never opened on this device.
    #[error("the app was not opened yet")]
    NoSnapshot,
    /// A file of the app can't be read, is damaged, or comes from another version or device. Opening the app writes new
    /// files.
    #[error("the app's files can't be opened")]
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
        match accounts::wrapped_key(folder) {
            Ok(Some(wrapped)) => Ok(Self { files: Files::new(folder, sealer(wrapped, key_store)?), older: None }),
            Ok(None) => Self::open_snapshot(folder, key_store),
            Err(accounts::Unreadable) => Err(InboxError::Unreadable),
        }
    }

    /// Opens the snapshot of version 0.1.
    fn open_snapshot(folder: &Path, key_store: &dyn KeyStore) -> Result<Self, InboxError> {
        let text = std::fs::read(folder.join(snapshot::NAME)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => InboxError::NoSnapshot,
            _ => InboxError::Unreadable,
        })?;
        let sealed = SealedSnapshot::read(&text).ok_or(InboxError::Unreadable)?;
        let sealer = sealer(sealed.wrapped_key().to_vec(), key_store)?;
        let older = sealed.open(&sealer).ok_or(InboxError::Unreadable)?;
        Ok(Self { files: Files::new(folder, sealer), older: Some(older) })
    }

    /// Returns the account with this slot. If its file is damaged, the app writes it again when it is next opened.
    fn recipient(&self, slot: &[u8]) -> Result<Option<Recipient>, InboxError> {
        if let Some(older) = &self.older {
            return Ok(older.iter().find(|recipient| recipient.slot == slot).cloned());
        }
        accounts::read(&self.files, slot).map_err(|accounts::Unreadable| {
            let _not_marked = self.files.mark(accounts::DAMAGED);
            InboxError::Unreadable
        })
    }

    /// Handles one push at this phone's time `now` and returns what to show.
    ///
    /// `slot` is the account's slot at the relay (16 bytes), `message` the encrypted message (RFC 8291). A push that
    /// can't be decrypted and verified is dropped. A repeated push returns `Nothing`. There is one exception: if the
    /// push could not be stored the first time, for example on a full disk, the repeated push has the same effect
    /// again. Showing a prompt twice is better than not showing it.
    ///
    /// # Errors
    /// `Unreadable` when the account's file is damaged.
    pub fn push_received(&self, slot: &[u8], message: &[u8], now: Timestamp) -> Result<PushEffect, InboxError> {
        self.files.sweep(now);
        let Some(recipient) = self.recipient(slot)? else {
            return Ok(PushEffect::Nothing);
        };
        let Ok(plain) = recipient.push_keys.decrypt(message) else {
            return Ok(PushEffect::Nothing);
        };
        let Ok(jws) = std::str::from_utf8(strip_padding(&plain)) else {
            return Ok(PushEffect::Nothing);
        };
        Ok(match verify_push(jws, &recipient.audience, now) {
            Ok(content) => self.keep(&recipient, content, jws, now),
            Err(refusal) => {
                tracing::warn!(%refusal, "a push was refused");
                PushEffect::Nothing
            }
        })
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

    /// Decides whether a prompt alerts. The decision uses the fatigue guard's memory in the account's file, and the
    /// prompts in the folder.
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

/// Returns a sealer with the inbox key.
fn sealer(wrapped_key: Vec<u8>, key_store: &dyn KeyStore) -> Result<Sealer, InboxError> {
    let key = key_store.unwrap(wrapped_key).map_err(|error| match error {
        PlatformError::Locked => InboxError::NotYetUnlocked,
        PlatformError::Gone | PlatformError::Invalidated => InboxError::Unreadable,
        other => InboxError::Platform(other),
    })?;
    Sealer::new(key).map_err(|_length| InboxError::Unreadable)
}

#[cfg(all(test, feature = "authenticator"))]
mod tests;
