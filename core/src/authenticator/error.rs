//! What can go wrong, one variant per cause; what the app does about it is decided above the core.

use crate::base::seal::SealError;
use crate::base::secret::NoRandomness;
use crate::protocol::code::CodeError;
use crate::protocol::keys::chain::UntrustedKeys;
use crate::protocol::qr::PictureError;
use crate::values::platform::PlatformError;

/// Why an act of the authenticator did not happen.
///
/// No variant carries a secret, a user name, an address or a code, so any of them may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key store can't be read before the first unlock after a restart; nothing is lost.
    #[error("the key store is not yet unlocked")]
    NotYetUnlocked,
    /// The database was made on another device: its keys are not here.
    #[error("the database belongs to another device")]
    FromAnotherDevice,
    /// The database's keys are on this device, so there is no reason to start over.
    #[error("the database belongs to this device")]
    NotFromAnotherDevice,
    /// The database was written by a newer version of the app; it is left alone.
    #[error("the database is of a newer version ({0})")]
    NewerSchema(i64),
    /// The database can't be read or written.
    #[error("the database failed: {0}")]
    Store(StoreFault),
    /// A port refused.
    #[error("the platform refused: {0}")]
    Platform(#[from] PlatformError),
    /// The code is not an invitation to an account.
    #[error("the code can't be used: {0}")]
    Code(#[from] CodeError),
    /// The picture can't be read.
    #[error("the picture can't be used: {0}")]
    Picture(#[from] PictureError),
    /// The service could not be reached: no network, no such host, connection broken, too slow.
    #[error("the service can't be reached")]
    Offline,
    /// The connection is not trusted: certificate, name or protocol.
    #[error("the connection to the service is not trusted")]
    Untrusted,
    /// The service asks to come back later.
    #[error("the service is busy")]
    Busy,
    /// The address answers, but not as a sign-in service of this protocol.
    #[error("not a sign-in service: {0}")]
    NotASignInService(MetadataFault),
    /// The service speaks only versions that this app does not know.
    #[error("the service needs another version of the app")]
    UnsupportedVersion,
    /// The enrollment can't go on.
    #[error("the enrollment ended: {0}")]
    Enrollment(EnrollmentFault),
    /// The answer was not made by the service that showed the code; nothing was kept.
    #[error("the answer does not come from the service that made the code")]
    Impostor,
    /// This phone's clock is off by more than a day.
    #[error("the clock is off by more than a day")]
    ClockWrong,
    /// The account is already on this phone.
    #[error("the account is already on this phone")]
    AlreadyHere,
    /// The service's answer can't be verified or understood; nothing was changed.
    #[error("the service's answer was refused")]
    InvalidAnswer,
    /// The service refused the request without saying why.
    #[error("the service refused the request")]
    Refused,
    /// The service removed this account from this phone.
    #[error("the account was removed by the service")]
    Removed,
    /// The service's keys changed in a way that nothing vouches for.
    #[error("the service's identity changed")]
    IdentityChanged,
    /// Phone sign-in is off for this account, so nothing here can approve it.
    #[error("phone sign-in is off")]
    PhoneSignInOff,
    /// The organization does not allow this at present.
    #[error("not allowed by the organization at present")]
    NotAllowedNow,
    /// What came back from the browser does not belong to what was started here.
    #[error("the browser's answer does not belong to this act")]
    ForeignRedirect,
    /// What the app brought does not fit what the step asked for.
    #[error("not what the step asked for")]
    WrongReply,
    /// No such account on this phone.
    #[error("no such account")]
    UnknownAccount,
    /// No such prompt, or it is no longer open.
    #[error("no such request")]
    UnknownPrompt,
    /// The prompt's time is over.
    #[error("the request has expired")]
    PromptExpired,
    /// A decision for this prompt was already made on this phone.
    #[error("the request was already answered")]
    AlreadyAnswered,
    /// The number has the wrong form for this prompt; nothing was sent.
    #[error("the number does not have the form that was asked for")]
    NumberForm,
    /// No such step: finished, or abandoned.
    #[error("no such step")]
    UnknownTicket,
    /// The authenticator was closed.
    #[error("the authenticator is closed")]
    Closed,
}

/// How the database failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum StoreFault {
    /// The disk is full.
    #[error("disk full")]
    DiskFull,
    /// The folder or file can't be written.
    #[error("read-only")]
    ReadOnly,
    /// Another process holds the database.
    #[error("busy")]
    Busy,
    /// The file is damaged; it is left as it is.
    #[error("damaged")]
    Damaged,
    /// A record can't be read; the others can.
    #[error("unreadable record")]
    Record,
    /// Anything else SQLite reports.
    #[error("sqlite")]
    Other,
}

/// What is wrong with a service's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum MetadataFault {
    /// The address has no discovery document.
    #[error("no discovery document")]
    Missing,
    /// The document is not JSON of the expected shape, or too large.
    #[error("unreadable discovery document")]
    Unreadable,
    /// The document names another issuer.
    #[error("another issuer")]
    OtherIssuer,
    /// The service does not offer phone sign-in.
    #[error("no phone sign-in")]
    NoPhoneSignIn,
    /// An endpoint is not `https` at the issuer's own host.
    #[error("endpoint elsewhere")]
    EndpointElsewhere,
    /// The push key is not a P-256 point.
    #[error("bad push key")]
    PushKey,
}

/// Why an enrollment can't go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum EnrollmentFault {
    /// The service knows no such code, or the code was mistyped.
    #[error("unknown")]
    Unknown,
    /// Its ten minutes are over.
    #[error("expired")]
    Expired,
    /// It was used, by this or another phone.
    #[error("used")]
    Used,
    /// It was ended on the page.
    #[error("cancelled")]
    Cancelled,
    /// It was looked up too often.
    #[error("looked up too often")]
    TooManyLookUps,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let fault = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreFault::DiskFull,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreFault::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreFault::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreFault::Damaged,
            Some(_) => StoreFault::Other,
            None => StoreFault::Record,
        };
        Self::Store(fault)
    }
}

impl From<NoRandomness> for Error {
    fn from(none: NoRandomness) -> Self {
        Self::Platform(none.into())
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        match error {
            SealError::NoRandomness | SealError::Key => Self::Platform(PlatformError::Unusable),
            SealError::Unreadable => Self::Store(StoreFault::Record),
        }
    }
}

impl From<UntrustedKeys> for Error {
    fn from(_keys: UntrustedKeys) -> Self {
        Self::IdentityChanged
    }
}
