//! The sealed files of the inbox. The extension leaves pushes for the app: one file for each prompt, withdrawal or
//! test.
//!
//! The file of a push is created once and never changed, and half of an account's file can be read while the other half is
//! being written. Therefore two processes can work in the folder without a lock.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
#[cfg(feature = "authenticator")]
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::base::clock::Timestamp;
use crate::base::jose;
use crate::base::jose::base64url;
use crate::base::seal::{Place, Sealer};
use crate::values::account::AccountId;
use crate::values::fatigue::Quiet;
use crate::values::origin::Origin;

/// How long a file is kept, in seconds: twice the longest lifetime of a prompt.
const LIFE: u64 = 600;
/// Largest file that is read, in bytes. The extension's files are smaller.
const MAX_FILE: u64 = 16_384;

/// The kind of push that a file contains; also the suffix of the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Prompt,
    Withdrawal,
    Test,
}

impl Kind {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Withdrawal => "withdrawal",
            Self::Test => "test",
        }
    }
}

/// A push that waits for the app, as the sealed JSON of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) account: AccountId,
    /// The verified message; the app verifies it again.
    pub(crate) jws: String,
    /// By this phone's clock.
    pub(crate) received_at: Timestamp,
    /// The data for the fatigue guard; `None` for a withdrawal or a test.
    pub(crate) seen: Option<Seen>,
    /// Why the prompt came without an alert; `None` when it alerted, and for a withdrawal or a test.
    pub(crate) quiet: Option<Quiet>,
}

/// The data of an earlier prompt with which the fatigue guard judges the next prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) jti: String,
    pub(crate) origin: Origin,
    pub(crate) expires_at: Timestamp,
}

/// Whether a push is new, or was already in the inbox when it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    New,
    Known,
}

/// The shared folder, and the key that seals its files.
pub(super) struct Files {
    folder: PathBuf,
    sealer: Sealer,
}

impl Files {
    pub(super) fn new(folder: &Path, sealer: Sealer) -> Self {
        Self { folder: folder.to_owned(), sealer }
    }

    #[cfg(feature = "authenticator")]
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the file of a push and returns `New`. Returns `Known`, and writes nothing, when the push is already
    /// stored.
    ///
    /// If the file can't be written, the result is `New` too, because showing a push twice is better than not showing
    /// it.
    pub(super) fn keep(&self, jti: &str, kind: Kind, kept: &Kept) -> Keeping {
        let name = name(&kept.account, jti, kind);
        if self.read(&name).is_some() {
            return Keeping::Known;
        }
        // A file that exists but can't be read is incomplete: its writer was killed.
        let _absent = fs::remove_file(self.folder.join(&name));
        match self.write(&name, kept) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Keeping::Known,
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "a push could not be kept for the app");
                Keeping::New
            }
            Ok(()) => Keeping::New,
        }
    }

    /// Returns whether the folder contains the file of this push.
    pub(super) fn has(&self, account: &AccountId, jti: &str, kind: Kind) -> bool {
        self.read(&name(account, jti, kind)).is_some()
    }

    fn write(&self, name: &str, kept: &Kept) -> io::Result<()> {
        let sealed = self.seal(name, &serde_json::to_vec(kept)?)?;
        private_file(&self.folder.join(name))?.write_all(&sealed)
    }

    fn read(&self, name: &str) -> Option<Kept> {
        let sealed = self.content(name, MAX_FILE).ok()??;
        jose::parse(&self.unseal(name, &sealed).ok()?).ok()
    }

    /// Encrypts the content of the file with this name.
    pub(super) fn seal(&self, name: &str, plain: &[u8]) -> io::Result<Vec<u8>> {
        self.sealer.seal(&place(name), plain).map_err(io::Error::other)
    }

    /// Decrypts what `seal` returned for the file with this name.
    ///
    /// # Errors
    /// When the content was altered, or not sealed under this name.
    pub(super) fn unseal(&self, name: &str, sealed: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        self.sealer.open(&place(name), sealed).map_err(io::Error::other)
    }

    /// Returns the sealed content of a file, or `None` when there is no such file.
    ///
    /// # Errors
    /// When the file can't be read, or is larger than `largest` bytes.
    pub(super) fn content(&self, name: &str, largest: u64) -> io::Result<Option<Vec<u8>>> {
        let path = self.folder.join(name);
        let length = match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            found => found?.len(),
        };
        if length > largest {
            return Err(ErrorKind::InvalidData.into());
        }
        fs::read(path).map(Some)
    }

    /// Makes an empty file with this name.
    pub(super) fn mark(&self, name: &str) -> io::Result<()> {
        private_file(&self.folder.join(name)).map(|_file| ())
    }

    /// Returns all pushes in the folder. A file that can't be opened is skipped; `sweep` deletes it later.
    pub(super) fn all(&self) -> Vec<Kept> {
        self.names().iter().filter_map(|name| self.read(name)).collect()
    }

    /// Deletes the files that were last changed more than `LIFE` seconds ago.
    pub(super) fn sweep(&self, now: Timestamp) {
        for name in self.names() {
            let path = self.folder.join(name);
            let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
            let age = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            if age.is_some_and(|time| now.since(Timestamp(time.as_secs())) > LIFE) {
                // Another process may have deleted the file first.
                let _absent = fs::remove_file(path);
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let suffixes = [Kind::Prompt, Kind::Withdrawal, Kind::Test].map(Kind::suffix);
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.rsplit_once('.').is_some_and(|(_, suffix)| suffixes.contains(&suffix)))
            .collect()
    }
}

/// How well a file survives a power failure.
#[cfg(feature = "authenticator")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The file is on the disk.
    Full,
    /// The operating system writes the file later.
    Later,
}

#[cfg(feature = "authenticator")]
impl Files {
    /// Writes a file, and replaces an older one as a whole: a reader never sees an incomplete file.
    pub(super) fn replace(&self, name: &str, content: &[u8], durability: Durability) -> io::Result<()> {
        let next = self.folder.join(format!("{name}.next"));
        let mut file = match private_file(&next) {
            // An earlier process was killed while it wrote the file.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fs::remove_file(&next)?;
                private_file(&next)?
            }
            made => made?,
        };
        file.write_all(content)?;
        if durability == Durability::Full {
            file.sync_all()?;
        }
        fs::rename(next, self.folder.join(name))
    }

    /// Overwrites a part of a file, which begins `at` bytes after the file's start. Does not wait for the disk.
    pub(super) fn overwrite(&self, name: &str, at: usize, content: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(self.folder.join(name))?;
        file.seek(SeekFrom::Start(u64::try_from(at).map_err(io::Error::other)?))?;
        file.write_all(content)
    }

    /// Makes a folder inside the shared folder. Does nothing if it exists.
    pub(super) fn make_folder(&self, name: &str) -> io::Result<()> {
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(self.folder.join(name))
    }

    /// Returns the names of all files in a folder inside the shared folder.
    pub(super) fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join(folder)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.map(|name| format!("{folder}/{name}")).collect()
    }

    /// Deletes a file. Does nothing if there is no such file.
    pub(super) fn delete(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Returns a file's name: a hash of account and `jti`, so that the name reveals neither.
fn name(account: &AccountId, jti: &str, kind: Kind) -> String {
    // Neither the account id nor the `jti` contains a zero byte, so different pairs always give different texts.
    let about = digest(&SHA256, [account.0.as_str(), jti].join("\0").as_bytes());
    format!("{}.{}", base64url::encode(about.as_ref()), kind.suffix())
}

fn place(name: &str) -> Place<'_> {
    Place { table: "inbox", row: name, column: "v1" }
}

/// Creates a file. On Unix only the owner may read and write it (mode 0600). Fails with `AlreadyExists` when the file
/// exists.
fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
