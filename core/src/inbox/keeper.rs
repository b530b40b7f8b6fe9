//! The app's side of the inbox: writes the snapshot, and imports the pushes that the extension received.

use std::io::Write;
use std::path::Path;

use crate::base::clock::Timestamp;
use crate::base::seal::Sealer;
use crate::inbox::files::{Files, Kept, private_file};
use crate::inbox::snapshot;
use crate::inbox::snapshot::Recipient;

/// The snapshot is written to this file, which is then renamed, so that the extension never reads an incomplete
/// snapshot.
const NEXT: &str = "snapshot.next";

/// The inbox as the app uses it.
pub(crate) struct Keeper {
    files: Files,
    wrapped_key: Vec<u8>,
}

impl Keeper {
    /// `wrapped_key` is the sealer's key, wrapped by the key store. Each snapshot contains it.
    pub(crate) fn new(folder: &Path, sealer: Sealer, wrapped_key: Vec<u8>) -> Self {
        Self { files: Files::new(folder, sealer), wrapped_key }
    }

    /// Writes a snapshot of the accounts. A failure is only logged: the extension then uses the older snapshot. Without
    /// an older snapshot, it shows a notification without content. The app still fetches the prompts.
    pub(crate) fn leave(&self, recipients: &[Recipient]) {
        if let Err(error) = self.write(recipients) {
            tracing::warn!(kind = ?error.kind(), "the snapshot for the notification extension could not be written");
        }
    }

    fn write(&self, recipients: &[Recipient]) -> std::io::Result<()> {
        let text = snapshot::text(recipients, &self.wrapped_key, self.files.sealer())
            .ok_or_else(|| std::io::Error::other("not sealed"))?;
        let next = self.files.folder().join(NEXT);
        // The file can exist if an earlier process was killed while it wrote the file.
        let _absent = std::fs::remove_file(&next);
        let mut file = private_file(&next)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(next, snapshot::path(self.files.folder()))
    }

    /// Returns the pushes that the extension received. The files stay until they are too old, because the extension
    /// uses them to recognize repeated pushes. Importing a push twice has no further effect.
    pub(crate) fn kept(&self, now: Timestamp) -> Vec<Kept> {
        self.files.sweep(now);
        self.files.all()
    }
}
