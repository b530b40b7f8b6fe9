//! The data folder and the key that seals what the database must not show.

use std::fs::File;
use std::io::{Error, ErrorKind, Write};
use std::path::Path;

use crate::error::AppError;
use crate::secrets::random;
use crate::store::Store;

const KEY_FILE: &str = "data.key";
const LOCK_FILE: &str = "making.lock";

/// Makes the folder, for its owner alone.
pub fn make_private(folder: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file for its owner alone; it must not be there yet.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Nobody else makes anything in the folder until this is dropped: services that start together for the first time
/// must come to the same keys.
pub(crate) fn alone(folder: &Path) -> Result<File, Error> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(folder.join(LOCK_FILE))?;
    file.lock()?;
    Ok(file)
}

/// The data key, made the first time.
pub fn key(folder: &Path) -> Result<[u8; 32], Error> {
    let _alone = alone(folder)?;
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

/// In the data folder.
pub(crate) const DATABASE: &str = "service.db";

/// The database of a data folder, made when it is not there. Blocks.
///
/// # Errors
/// The folder can't be made, or the file is no database of ours.
pub fn open(folder: &Path) -> Result<Store, AppError> {
    make_private(folder)?;
    let _alone = alone(folder)?;
    Ok(Store::sqlite(&folder.join(DATABASE))?)
}
