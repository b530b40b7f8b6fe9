//! The errors of the authenticator: one variant for each cause, so that the app can react to each.

use crate::base::seal::SealError;
use crate::base::secret::NoRandomness;
use crate::protocol::code::CodeError;
use crate::protocol::keys::chain::UntrustedKeys;
use crate::protocol::qr::PictureError;
use crate::values::platform::PlatformError;

/// Why an act of the authenticator failed.
///
/// # Security
/// No variant contains a secret, a user name, a URL or an enrollment code, so every error may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The device has not been unlocked since its restart, so the key store can't be read. Nothing is lost; try later.
    #[error("the key store is not yet unlocked")]
    NotYetUnlocked,
    /// The database comes from another device, by a backup or a transfer: this device does not have the keys that seal
    /// it.
    #[error("the database belongs to another device")]
    FromAnotherDevice,
    /// `start_over` was called although the database's keys are on this device.
    #[error("the database belongs to this device")]
    NotFromAnotherDevice,
    /// A newer version of the app wrote the database. The number is the schema version of the database, which was not
    /// changed.
    #[error("a newer version of the app wrote the database (schema {0})")]
    NewerSchema(i64),
    /// The database can't be read or written.
    #[error("the database failed: {0}")]
    Store(StoreFault),
    /// A port failed.
    #[error("the platform failed: {0}")]
    Platform(#[from] PlatformError),
    /// The enrollment code is malformed, or the typed address is not the address of a service.
    #[error("the code can't be used: {0}")]
    Code(#[from] CodeError),
    /// The picture can't be read, or shows no QR code.
    #[error("the picture can't be used: {0}")]
    Picture(#[from] PictureError),
    /// The service could not be reached: no network, no such host, a broken connection, or a timeout.
    #[error("the service can't be reached")]
    Offline,
    /// TLS failed: the certificate chain, the host name or the protocol version is not accepted.
    #[error("the connection to the service is not trusted")]
    Untrusted,
    /// Try again later: the service responded with HTTP 429 or 5xx, its key chain can't be fetched, or the round trip
    /// was too long to correct the clock.
    #[error("the service is busy")]
    Busy,
    /// The server at this address is not a service of this protocol (section 2).
    #[error("not a sign-in service: {0}")]
    NotASignInService(MetadataFault),
    /// The service supports only protocol versions that this app does not know.
    #[error("the service needs another version of the app")]
    UnsupportedVersion,
    /// The service has ended the enrollment, does not know it, or refuses the code.
    #[error("the enrollment can't continue: {0}")]
    Enrollment(EnrollmentFault),
    /// The MAC of the response is missing or wrong, or the response names another account or other keys than the
    /// service's earlier response. An attacker may intercept the connection. Nothing of the enrollment is kept.
    #[error("the response does not come from the service of this enrollment")]
    Impostor,
    /// This phone's clock differs from the service's by more than a day.
    #[error("the phone's clock is wrong by more than a day")]
    ClockWrong,
    /// The account is already on this phone; remove it first to add it again.
    #[error("the account is already on this phone")]
    AlreadyHere,
    /// The service's response can't be verified or parsed, or does not fit the account. The response was not used.
    #[error("the service's response is invalid")]
    InvalidAnswer,
    /// The service refused the request without a reason: `request-refused` (protocol section 9), or an OAuth error.
    #[error("the service refused the request")]
    Refused,
    /// The service removed this account from this phone.
    #[error("the account was removed by the service")]
    Removed,
    /// The service's key chain does not continue the keys that this phone has stored (protocol section 6). The phone
    /// accepts neither the new keys nor any message that they sign.
    #[error("the service's identity changed")]
    IdentityChanged,
    /// Phone sign-in is off for this account, so there is no sign-in key.
    #[error("phone sign-in is off")]
    PhoneSignInOff,
    /// The account is suspended, limited by policy, or (for a test push) not active.
    #[error("not allowed by the organization at present")]
    NotAllowedNow,
    /// The redirect from the browser does not have the URL, `state` and issuer of the waiting act, or is malformed.
    /// Nothing was changed.
    #[error("the redirect does not belong to this act")]
    ForeignRedirect,
    /// The app's reply does not fit the current step.
    #[error("the reply does not fit the step")]
    WrongReply,
    /// No account on this phone has this id, or the account is still pending.
    #[error("no such account")]
    UnknownAccount,
    /// This phone never stored the prompt, or has deleted it.
    #[error("no such request")]
    UnknownPrompt,
    /// The prompt has expired; nothing was signed.
    #[error("the request has expired")]
    PromptExpired,
    /// A decision for this prompt was already made on this phone.
    #[error("the request was already answered")]
    AlreadyAnswered,
    /// The number has the wrong form for this prompt; nothing was sent.
    #[error("the number has the wrong form for this request")]
    NumberForm,
    /// The act of this ticket has finished, was abandoned, or never existed.
    #[error("no unfinished act has this ticket")]
    UnknownTicket,
    /// The authenticator was closed by `shut_down`, its runtime could not be started, or the task of the call panicked.
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
    /// The folder or the file can't be created, opened or written.
    #[error("read-only")]
    ReadOnly,
    /// Another process locked the database for longer than five seconds.
    #[error("locked by another process")]
    Busy,
    /// The file is damaged. It was not changed.
    #[error("damaged")]
    Damaged,
    /// One record can't be read; the other records are not affected.
    #[error("unreadable record")]
    Record,
    /// Any other SQLite error.
    #[error("other SQLite error")]
    Other,
}

/// What is wrong with a service's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum MetadataFault {
    /// There is no discovery document at the address: the HTTP status is not 200, 429 or 5xx.
    #[error("no discovery document")]
    Missing,
    /// The document is not JSON of the expected shape, or lacks PKCE, DPoP or `iss` support (protocol section 2).
    #[error("invalid discovery document")]
    Unreadable,
    /// The document's `issuer` is not the issuer for which it was fetched.
    #[error("the discovery document names another issuer")]
    OtherIssuer,
    /// The document has no member `phone_sign_in`: the server is an OpenID provider that does not support this
    /// protocol.
    #[error("the discovery document has no `phone_sign_in`")]
    NoPhoneSignIn,
    /// An endpoint is not `https` at the issuer's own host and port.
    #[error("an endpoint is not at the issuer")]
    EndpointElsewhere,
    /// The service's VAPID key is not a P-256 point.
    #[error("invalid VAPID key")]
    PushKey,
}

/// Why a service ends an enrollment or refuses its code (problem types of protocol section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum EnrollmentFault {
    /// The service does not know the code, or the code was mistyped.
    #[error("code unknown")]
    Unknown,
    /// The code is older than ten minutes.
    #[error("code expired")]
    Expired,
    /// Another phone has used the code, or the enrollment has finished.
    #[error("code already used")]
    Used,
    /// The enrollment was cancelled in the wizard, or a change of the account or of the policy ended it.
    #[error("enrollment cancelled")]
    Cancelled,
    /// The code was looked up more than five times.
    #[error("code looked up too often")]
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
