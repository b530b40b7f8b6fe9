//! The errors of starting the service and of the operator's commands.

use crate::secrets::SecretError;
use crate::store::StoreError;

/// An error of starting the service or of an operator's command.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system has no randomness, or a sealed value can't be opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A file, a network socket or the terminal failed, or a background task stopped.
    #[error("input or output failed: {0}")]
    Data(#[from] std::io::Error),
    /// A certificate or the TLS configuration is invalid.
    #[error("TLS: {0}")]
    Tls(String),
    /// The data folder belongs to another issuer. Phones have stored that issuer and accept no other.
    #[error("the data folder belongs to another issuer; start with that issuer, or with an empty folder")]
    OtherIssuer,
    /// A user name or a password is empty.
    #[error("a person needs a user name and a password")]
    Empty,
    /// Another person has the user name.
    #[error("another person already has that user name")]
    NameTaken,
    /// The command does not fit the person: an administrator's token for a person who is no administrator, or a pass or
    /// the administrator role for a suspended person.
    #[error("this is not possible for this person; perhaps the person is suspended, or is not an administrator")]
    NotPossible,
    /// No person has the user name.
    #[error("no person has that user name")]
    NoSuchPerson,
}
