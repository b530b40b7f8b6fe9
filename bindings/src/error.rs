//! Errors, sorted by what the app does next.

use countersign::{CodeError, EnrollmentFault, Error, MetadataFault, PictureError, PlatformError, StoreFault};

/// What the app does next when something did not work. None carries a secret, a name or an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum CountersignError {
    /// Say that there is no connection; offer to try again.
    #[error("the service can't be reached")]
    Offline,
    /// Say that the service is busy; try again in a moment.
    #[error("the service is busy")]
    Busy,
    /// Say that the connection is not trusted; do not offer a way around.
    #[error("the connection to the service is not trusted")]
    Untrusted,
    /// Open again after the first unlock since the device started; nothing is lost.
    #[error("the key store is not yet unlocked")]
    NotYetUnlocked,
    /// Say that the accounts were made on another device, and offer to add them again.
    #[error("the database belongs to another device")]
    FromAnotherDevice,
    /// Open it: its keys are here, so there is no reason to start over.
    #[error("the database belongs to this device")]
    NotFromAnotherDevice,
    /// Send the person to the app store: database, code or service are of a newer version.
    #[error("a newer version of the app is needed")]
    UpdateNeeded,
    /// Say what is wrong with the device's storage.
    #[error("the database failed: {fault}")]
    StorageFailed {
        /// What is wrong with it.
        fault: StoreFault,
    },
    /// The platform did not answer this time; try again.
    #[error("the platform did not answer this time")]
    TryAgain,
    /// The person turned the platform's question away; go back to where they were.
    #[error("cancelled by the person")]
    Cancelled,
    /// The key no longer works; offer to add the account again.
    #[error("the key is lost")]
    KeyLost,
    /// Ask for the passphrase again (desktops only).
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// Say that this device can't do it.
    #[error("the platform can't do this")]
    NotSupported,
    /// Ask for the code again: it is damaged or mistyped.
    #[error("the code can't be used: {fault}")]
    BadCode {
        /// What is wrong with it.
        fault: CodeError,
    },
    /// Ask for another picture.
    #[error("the picture can't be used: {fault}")]
    BadPicture {
        /// What is wrong with it.
        fault: PictureError,
    },
    /// Ask for a fresh code from the page.
    #[error("the enrollment ended: {fault}")]
    NewCodeNeeded {
        /// Why this one is over.
        fault: EnrollmentFault,
    },
    /// Say that the address is not that of a sign-in service.
    #[error("not a sign-in service: {fault}")]
    NotASignInService {
        /// What it lacks.
        fault: MetadataFault,
    },
    /// Warn: whoever answers did not make the code. Nothing was kept.
    #[error("the answer does not come from the service that made the code")]
    Impostor,
    /// Ask the person to set the device's clock.
    #[error("the clock is off by more than a day")]
    ClockWrong,
    /// Say that the account is already there.
    #[error("the account is already on this phone")]
    AlreadyAdded,
    /// Say that the service's answer could not be used; nothing was changed.
    #[error("the service's answer was refused, or it refused the request")]
    AnswerRefused,
    /// Say that the service took this phone off the account; offer to add it again.
    #[error("the account was removed by the service")]
    AddAgain,
    /// Show the list anew: what was meant is no longer there.
    #[error("no such account, request or step")]
    NoLongerThere,
    /// Say that the request has expired.
    #[error("the request has expired")]
    Expired,
    /// Say that it was answered before.
    #[error("the request was already answered")]
    AlreadyAnswered,
    /// Say that the service's identity changed; its requests are held back. The way on is to add the account again.
    #[error("the service's identity changed")]
    IdentityChanged,
    /// Say that phone sign-in is off; offer to turn it on.
    #[error("phone sign-in is off")]
    PhoneSignInOff,
    /// Say that the organization does not allow it at present.
    #[error("not allowed by the organization at present")]
    NotAllowedNow,
    /// Go on waiting for the browser: what came back belongs to something else.
    #[error("the browser's answer does not belong to this act")]
    ForeignRedirect,
    /// Ask for the number again; nothing was sent.
    #[error("the number does not have the form that was asked for")]
    NumberForm,
    /// Open the authenticator again.
    #[error("the authenticator is closed")]
    Closed,
}

impl From<Error> for CountersignError {
    fn from(error: Error) -> Self {
        match error {
            Error::Offline => Self::Offline,
            Error::Busy => Self::Busy,
            Error::Untrusted => Self::Untrusted,
            Error::NotYetUnlocked | Error::Platform(PlatformError::Locked) => Self::NotYetUnlocked,
            Error::FromAnotherDevice => Self::FromAnotherDevice,
            Error::NotFromAnotherDevice => Self::NotFromAnotherDevice,
            Error::NewerSchema(_) | Error::UnsupportedVersion => Self::UpdateNeeded,
            Error::Store(fault) => Self::StorageFailed { fault },
            Error::Platform(PlatformError::Transient) => Self::TryAgain,
            Error::Platform(PlatformError::Cancelled) => Self::Cancelled,
            Error::Platform(PlatformError::Invalidated | PlatformError::Gone) => Self::KeyLost,
            Error::Platform(PlatformError::WrongPassphrase) => Self::WrongPassphrase,
            Error::Platform(PlatformError::Unusable) => Self::NotSupported,
            Error::Code(fault) => Self::BadCode { fault },
            Error::Picture(fault) => Self::BadPicture { fault },
            Error::Enrollment(fault) => Self::NewCodeNeeded { fault },
            Error::NotASignInService(fault) => Self::NotASignInService { fault },
            Error::Impostor => Self::Impostor,
            Error::ClockWrong => Self::ClockWrong,
            Error::AlreadyHere => Self::AlreadyAdded,
            Error::InvalidAnswer | Error::Refused => Self::AnswerRefused,
            Error::Removed => Self::AddAgain,
            Error::UnknownAccount | Error::UnknownPrompt | Error::UnknownTicket | Error::WrongReply => {
                Self::NoLongerThere
            }
            Error::IdentityChanged => Self::IdentityChanged,
            Error::PhoneSignInOff => Self::PhoneSignInOff,
            Error::NotAllowedNow => Self::NotAllowedNow,
            Error::ForeignRedirect => Self::ForeignRedirect,
            Error::PromptExpired => Self::Expired,
            Error::AlreadyAnswered => Self::AlreadyAnswered,
            Error::NumberForm => Self::NumberForm,
            Error::Closed => Self::Closed,
        }
    }
}

/// How the device's storage failed.
#[uniffi::remote(Enum)]
pub enum StoreFault {
    /// The disk is full.
    DiskFull,
    /// The folder or file can't be written.
    ReadOnly,
    /// Another process holds the database.
    Busy,
    /// The file is damaged; it is left as it is.
    Damaged,
    /// A record can't be read; the others can.
    Record,
    /// Anything else.
    Other,
}

/// Why a code can't be used.
#[uniffi::remote(Enum)]
pub enum CodeError {
    /// It looks like an invitation, but a part is missing, doubled or malformed.
    Damaged,
    /// Its address is not an `https` address of a sign-in service.
    Address,
    /// The typed code does not have twelve characters of the right alphabet.
    TypedForm,
}

/// Why a picture can't be used.
#[uniffi::remote(Enum)]
pub enum PictureError {
    /// More bytes or pixels than a screenshot has.
    TooLarge,
    /// Neither PNG nor JPEG, or without any pixel.
    NotAPicture,
    /// The picture ends too early or is damaged.
    Damaged,
    /// No code was found in it.
    NoCode,
    /// Two different codes were found; which one is meant is the person's to say.
    TwoCodes,
    /// Searching took too long.
    TookTooLong,
}

/// Why an enrollment can't go on.
#[uniffi::remote(Enum)]
pub enum EnrollmentFault {
    /// The service knows no such code, or the code was mistyped.
    Unknown,
    /// Its ten minutes are over.
    Expired,
    /// It was used, by this or another phone.
    Used,
    /// It was ended on the page.
    Cancelled,
    /// It was looked up too often.
    TooManyLookUps,
}

/// What is wrong with a service's metadata.
#[uniffi::remote(Enum)]
pub enum MetadataFault {
    /// The address has no discovery document.
    Missing,
    /// The document is not JSON of the expected shape, or too large.
    Unreadable,
    /// The document names another issuer.
    OtherIssuer,
    /// The service does not offer phone sign-in.
    NoPhoneSignIn,
    /// An endpoint is not `https` at the issuer's own host.
    EndpointElsewhere,
    /// The push key is not a P-256 point.
    PushKey,
}
