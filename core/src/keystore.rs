//! Key stores that the core brings along; phones have their own behind the port.

mod sealed_file;

pub use sealed_file::SealedFileKeyStore;
