//! Finds out whether another process (for example a second terminal phone) uses the same home folder. If so, the outbox
//! leases in the database may belong to that process, and must not be ended.

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::authenticator::error::{Error, StoreFault};

const NAME: &str = "in-use";

/// A file lock in the home folder: exclusive while the first process starts, then shared by all processes that use the
/// folder. When a process ends or crashes, the system releases its lock.
pub(super) struct Presence {
    file: File,
    is_alone: bool,
}

impl Presence {
    /// Takes the file lock; blocks while another process holds the exclusive lock.
    ///
    /// # Errors
    /// `Store(ReadOnly)` when the file can't be opened for writing.
    pub(super) fn enter(home: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(home.join(NAME)).map_err(|_io| Error::Store(StoreFault::ReadOnly))?;
        // On a file system without locks no process counts as alone. The leases of a killed process then end only when
        // they expire.
        let is_alone = file.try_lock().is_ok();
        if !is_alone {
            let _no_locks = file.lock_shared();
        }
        Ok(Self { file, is_alone })
    }

    /// Returns true when no other process uses the folder. Other processes then can't use the folder until `shared` is
    /// called.
    pub(super) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Changes the lock from exclusive to shared, so that other processes can use the folder.
    pub(super) fn shared(self) -> Self {
        // Between the two calls another process may lock the file and end all leases. This does no harm, because this
        // process has no lease yet.
        let _no_locks = self.file.unlock().and_then(|()| self.file.lock_shared());
        Self { is_alone: false, ..self }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_process_is_alone_if_no_other_uses_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Presence::enter(folder.path()).unwrap();
        assert!(first.is_alone());
        let first = first.shared();
        let second = Presence::enter(folder.path()).unwrap();
        assert!(!second.is_alone());
        drop(first);
        assert!(!Presence::enter(folder.path()).unwrap().is_alone(), "the second process was not noticed");
        drop(second);
        assert!(Presence::enter(folder.path()).unwrap().is_alone());
    }
}
