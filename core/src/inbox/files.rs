//! The files that the extension leaves: one for each prompt, withdrawal or test, sealed, never overwritten.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::jose;
use crate::base::jose::base64url;
use crate::base::seal::{Place, Sealer};
use crate::values::account::AccountId;
use crate::values::fatigue::Quiet;
use crate::values::origin::Origin;

/// No prompt lives longer than five minutes; twice that, and a file has nothing to tell any more.
const LIFE: u64 = 600;
/// Half a snapshot and whatever else is no file of ours is smaller or larger than this.
const MAX_FILE: u64 = 16_384;

/// What a file is about.
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

/// A push as it waits for the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) account: AccountId,
    pub(crate) jws: String,
    pub(crate) received_at: Timestamp,
    /// Of a prompt: whose it is among those that came before.
    pub(crate) seen: Option<Seen>,
    /// Of a prompt: why it alerted nobody.
    pub(crate) quiet: Option<Quiet>,
}

/// What the next prompt is judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) jti: String,
    pub(crate) origin: Origin,
    pub(crate) expires_at: Timestamp,
}

/// Whether a file was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    New,
    Known,
}

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

    #[cfg(feature = "authenticator")]
    pub(super) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Writes a file unless it is there; making it is what tells a doubled push from a first one.
    pub(super) fn keep(&self, jti: &str, kind: Kind, kept: &Kept) -> Keeping {
        let name = name(&kept.account, jti, kind);
        if self.read(&name).is_some() {
            return Keeping::Known;
        }
        // What is there but can't be read was cut off while it was written.
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

    pub(super) fn has(&self, account: &AccountId, jti: &str, kind: Kind) -> bool {
        self.read(&name(account, jti, kind)).is_some()
    }

    fn write(&self, name: &str, kept: &Kept) -> std::io::Result<()> {
        let plain = serde_json::to_vec(kept)?;
        let sealed = self.sealer.seal(&place(name), &plain).map_err(std::io::Error::other)?;
        let mut file = private_file(&self.folder.join(name))?;
        file.write_all(&sealed)
    }

    fn read(&self, name: &str) -> Option<Kept> {
        let path = self.folder.join(name);
        if fs::metadata(&path).ok()?.len() > MAX_FILE {
            return None;
        }
        let plain = self.sealer.open(&place(name), &fs::read(path).ok()?).ok()?;
        jose::parse(&plain).ok()
    }

    /// Everything that waits; what can't be opened is left to the sweep.
    pub(super) fn all(&self) -> Vec<Kept> {
        self.names().iter().filter_map(|name| self.read(name)).collect()
    }

    /// Deletes what has nothing to tell any more.
    pub(super) fn sweep(&self, now: Timestamp) {
        for name in self.names() {
            let path = self.folder.join(name);
            let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
            let age = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            if age.is_some_and(|time| now.since(Timestamp(time.as_secs())) > LIFE) {
                // Another process may have been faster.
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

/// The name tells nobody whose it is or what it is about.
fn name(account: &AccountId, jti: &str, kind: Kind) -> String {
    // Neither contains a zero byte, so the joined text has one reading only.
    let about = digest(&SHA256, [account.0.as_str(), jti].join("\0").as_bytes());
    format!("{}.{}", base64url::encode(about.as_ref()), kind.suffix())
}

fn place(name: &str) -> Place<'_> {
    Place { table: "inbox", row: name, column: "v1" }
}

/// A new file that only this app's user may read; an error when there is one already.
pub(super) fn private_file(path: &Path) -> std::io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
