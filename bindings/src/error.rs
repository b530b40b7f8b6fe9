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
