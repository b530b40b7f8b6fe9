//! The app's side of the inbox: it leaves the snapshot and imports what the extension has found.

use std::io::Write;
use std::path::Path;

use crate::base::clock::Timestamp;
use crate::base::seal::Sealer;
use crate::inbox::files::{Files, Kept, private_file};
use crate::inbox::snapshot;
use crate::inbox::snapshot::Recipient;

/// Written beside the snapshot and then moved over it, so that the extension never reads half of one.
const NEXT: &str = "snapshot.next";

pub(crate) struct Keeper {
    files: Files,
    wrapped_key: Vec<u8>,
}

impl Keeper {
    pub(crate) fn new(folder: &Path, sealer: Sealer, wrapped_key: Vec<u8>) -> Self {
        Self { files: Files::new(folder, sealer), wrapped_key }
    }

    /// Leaves a snapshot. One that can't be written only costs the extension its words: the app finds
    /// prompts without it, so no act fails for it.
    pub(crate) fn leave(&self, recipients: &[Recipient]) {
        if let Err(error) = self.write(recipients) {
            tracing::warn!(kind = ?error.kind(), "the snapshot for the notification extension could not be written");
        }
    }

    fn write(&self, recipients: &[Recipient]) -> std::io::Result<()> {
        let text = snapshot::text(recipients, &self.wrapped_key, self.files.sealer())
            .ok_or_else(|| std::io::Error::other("not sealed"))?;
        let next = self.files.folder().join(NEXT);
        // Left by a process that was killed here.
        let _absent = std::fs::remove_file(&next);
        let mut file = private_file(&next)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(next, snapshot::path(self.files.folder()))
    }

    /// What the extension has found. It stays there as the extension's memory of doubled pushes until it
    /// is too old to matter; importing it twice changes nothing.
    pub(crate) fn kept(&self, now: Timestamp) -> Vec<Kept> {
        self.files.sweep(now);
        self.files.all()
    }
}
