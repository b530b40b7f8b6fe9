//! The app's side of the inbox: writes the accounts for the extension, and imports the pushes that the extension
//! received.

use std::io;
use std::path::Path;

use crate::base::clock::Timestamp;
use crate::base::seal::Sealer;
use crate::inbox::files::{Durability, Files, Kept};
use crate::inbox::recipient::Recipient;
use crate::inbox::{accounts, halves, snapshot};

/// The inbox as the app uses it.
pub(crate) struct Keeper {
    files: Files,
    wrapped_key: Vec<u8>,
}

impl Keeper {
    /// `wrapped_key` is the sealer's key, wrapped by the key store.
    pub(crate) fn new(folder: &Path, sealer: Sealer, wrapped_key: Vec<u8>) -> Self {
        Self { files: Files::new(folder, sealer), wrapped_key }
    }

    /// Returns whether every account must be written again: the key file does not have this key, as at the first start
    /// of this version, or the extension has found a damaged file.
    pub(crate) fn needs_all(&self) -> bool {
        let folder = self.files.folder();
        let has_key = accounts::wrapped_key(folder).is_ok_and(|key| key.as_ref() == Some(&self.wrapped_key));
        !has_key || folder.join(accounts::DAMAGED).exists()
    }

    /// Writes all accounts, and deletes the files of other accounts.
    ///
    /// # Errors
    /// When a file can't be written. `needs_all` is then still true.
    pub(crate) fn leave_all(&self, recipients: &[Recipient]) -> io::Result<()> {
        let names: Vec<String> = recipients.iter().map(|recipient| accounts::name(&recipient.slot)).collect();
        self.files.make_folder(accounts::FOLDER)?;
        // The key file is deleted too, until every account is written.
        for name in self.files.names_in(accounts::FOLDER).into_iter().filter(|name| !names.contains(name)) {
            self.files.delete(&name)?;
        }
        recipients.iter().try_for_each(|recipient| self.write(recipient, Durability::Full))?;
        // The key file comes last: until then, the extension reads the snapshot of version 0.1.
        self.files.replace(accounts::KEY_FILE, &accounts::key_text(&self.wrapped_key)?, Durability::Full)?;
        self.files.delete(snapshot::NAME)
    }

    /// Writes one account, or deletes its file if it has none. `durability`: an account that is not yet durable must be
    /// written again at the next start.
    ///
    /// # Errors
    /// When the file can't be written. The extension then uses the older file. Without an older file, it shows nothing.
    /// The app still fetches the prompts.
    pub(crate) fn leave(&self, slot: &[u8], recipient: Option<&Recipient>, durability: Durability) -> io::Result<()> {
        match recipient {
            Some(recipient) => self.write(recipient, durability),
            None => self.files.delete(&accounts::name(slot)),
        }
    }

    fn write(&self, recipient: &Recipient, durability: Durability) -> io::Result<()> {
        // EXPOSE: sealed by `halves::write`.
        halves::write(&self.files, &accounts::name(&recipient.slot), &recipient.to_json()?, durability)
    }

    /// Returns the pushes that the extension received. The files stay until they are too old, because the extension
    /// uses them to recognize repeated pushes. Importing a push twice has no further effect.
    pub(crate) fn kept(&self, now: Timestamp) -> Vec<Kept> {
        self.files.sweep(now);
        self.files.all()
    }
}
