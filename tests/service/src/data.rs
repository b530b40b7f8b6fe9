//! Opens the data folder. The folder contains the database, and the key that encrypts the values that must not be
//! readable in the database.

use std::fs::File;
use std::io::{Error, ErrorKind, Write};
use std::path::Path;

use crate::error::AppError;
use crate::secrets::random;
use crate::store::Store;

const KEY_FILE: &str = "data.key";
const LOCK_FILE: &str = "making.lock";

/// Creates the folder if it is missing. On Unix, only its owner can read the new folder.
pub fn make_private(folder: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a new file. Fails if the file exists already. On Unix, only the file's owner can read the file.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Waits for the folder's file lock, and keeps the lock until the returned file is dropped. Without the lock, two
/// processes that start on a new folder at the same time could both create keys.
pub(crate) fn lock_folder(folder: &Path) -> Result<File, Error> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(folder.join(LOCK_FILE))?;
    file.lock()?;
    Ok(file)
}

/// Returns the data key. Creates the key on first use.
pub fn key(folder: &Path) -> Result<[u8; 32], Error> {
    let _lock = lock_folder(folder)?;
    let path = folder.join(KEY_FILE);
    match std::fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_length| Error::from(ErrorKind::InvalidData)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = random().map_err(|_none| Error::from(ErrorKind::Other))?;
            write_private(&path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

/// The database's file name in the data folder.
pub(crate) const DATABASE: &str = "service.db";

/// Opens the database of a data folder. Creates folder and database on first use. Blocks.
///
/// # Errors
/// The folder can't be created or locked, or the database can't be opened. A database of a newer version of the service
/// can't be opened.
pub fn open(folder: &Path) -> Result<Store, AppError> {
    make_private(folder)?;
    let _lock = lock_folder(folder)?;
    Ok(Store::sqlite(&folder.join(DATABASE))?)
}
