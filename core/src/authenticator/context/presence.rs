//! Whether another process works in the same folder, as the terminal phone's may: what it holds is not taken from it.

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::authenticator::error::{Error, StoreFault};

const NAME: &str = "in-use";

/// A lock on a file in the folder: exclusive while the first process begins, shared while any is open. The system ends
/// it with the process, however that ends.
pub(super) struct Presence {
    file: File,
    is_alone: bool,
}

impl Presence {
    /// Enters the folder; waits for another process that is just beginning.
    ///
    /// # Errors
    /// `Store(ReadOnly)` when nothing can be written there.
    pub(super) fn enter(home: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(home.join(NAME)).map_err(|_io| Error::Store(StoreFault::ReadOnly))?;
        // Where the file system has no locks nobody is known to be alone, and what another process held ends by itself.
        let is_alone = file.try_lock().is_ok();
        if !is_alone {
            let _no_locks = file.lock_shared();
        }
        Ok(Self { file, is_alone })
    }

    /// Whether nobody else is here: until `shared`, nobody else comes in.
    pub(super) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Lets others in.
    pub(super) fn shared(self) -> Self {
        // Others may pass between the two; none of them finds anything of ours yet.
        let _no_locks = self.file.unlock().and_then(|()| self.file.lock_shared());
        Self { is_alone: false, ..self }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn the_second_is_not_alone_until_the_first_has_left() {
        let folder = tempfile::tempdir().unwrap();
        let first = Presence::enter(folder.path()).unwrap();
        assert!(first.is_alone());
        let first = first.shared();
        let second = Presence::enter(folder.path()).unwrap();
        assert!(!second.is_alone());
        drop(first);
        assert!(!Presence::enter(folder.path()).unwrap().is_alone(), "the second is still here");
        drop(second);
        assert!(Presence::enter(folder.path()).unwrap().is_alone());
    }
}
