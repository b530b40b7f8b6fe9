//! Why the service can't start, or an operator's act failed.

use crate::secrets::SecretError;
use crate::store::StoreError;

/// Why the service can't start, or an operator's act failed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Secrets.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Files.
    #[error("the data folder: {0}")]
    Data(#[from] std::io::Error),
    /// TLS.
    #[error("TLS: {0}")]
    Tls(String),
    /// The data folder was made for another issuer, which phones have pinned.
    #[error("the data folder belongs to another issuer; start with that one, or with an empty folder")]
    OtherIssuer,
    /// A user name or a password is empty.
    #[error("a person needs a user name and a password")]
    Empty,
    /// The user name is taken.
    #[error("there is already somebody with that user name")]
    NameTaken,
    /// Nobody has that user name.
    #[error("nobody has that user name")]
    NobodyThere,
}
