//! Defines the errors of the bindings. Errors to which the app reacts in the same way share a variant.

use countersign::{CodeError, EnrollmentFault, Error, MetadataFault, PictureError, PlatformError, StoreFault};

/// Why a call failed. Errors to which the app reacts in the same way share a variant. Each variant's comment says first
/// what the app does, then why.
///
/// No variant contains a secret, a name or an address, so all can be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum CountersignError {
    /// Say that there is no connection; offer to try again.
    #[error("the service can't be reached")]
    Offline,
    /// Say that the service is busy; try again in a moment.
    #[error("the service is busy")]
    Busy,
    /// Say that the connection is not trusted. Don't offer to continue: an attacker may be between the phone and the
    /// service.
    #[error("the connection to the service is not trusted")]
    Untrusted,
    /// Try again after the first unlock since the device started; nothing is lost.
    #[error("the key store is not yet unlocked")]
    NotYetUnlocked,
    /// Say that the accounts were made on another device, and offer to add them again.
    #[error("the database belongs to another device")]
    FromAnotherDevice,
    /// Returned by `start_over`. Call `open` instead: the key store has the database's keys.
    #[error("the database belongs to this device")]
    NotFromAnotherDevice,
    /// Send the person to the app store: the database or the service has a newer version than this app.
    #[error("a newer version of the app is needed")]
    UpdateNeeded,
    /// Say what is wrong with the device's storage.
    #[error("the database failed: {fault}")]
    StorageFailed {
        /// How the database failed.
        fault: StoreFault,
    },
    /// Try again: a port failed temporarily, or took longer than 30 seconds.
    #[error("the platform failed temporarily")]
    TryAgain,
    /// Return to the previous screen: the person cancelled the platform's dialog.
    #[error("cancelled by the person")]
    Cancelled,
    /// Say that a key is lost: the platform deleted or invalidated it. If the person had just unlocked the sign-in key,
    /// offer to turn phone sign-in on again. Otherwise offer to add the account again.
    #[error("the key is lost")]
    KeyLost,
    /// Ask for the passphrase again (desktops only).
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// Say that this device does not support the operation: the platform refuses permanently.
    #[error("the platform can't do this")]
    NotSupported,
    /// Ask for the code again: it is damaged or mistyped.
    #[error("the code can't be used: {fault}")]
    BadCode {
        /// Which part of the code is wrong.
        fault: CodeError,
    },
    /// Ask for another picture.
    #[error("the picture can't be used: {fault}")]
    BadPicture {
        /// Why no code could be read from the picture.
        fault: PictureError,
    },
    /// Ask for a fresh code from the page.
    #[error("the enrollment can't continue: {fault}")]
    NewCodeNeeded {
        /// Why the old code no longer works.
        fault: EnrollmentFault,
    },
    /// Say that the address is not that of a sign-in service.
    #[error("not a sign-in service: {fault}")]
    NotASignInService {
        /// What the service's metadata lacks.
        fault: MetadataFault,
    },
    /// Warn the person: the server that replied does not know the code's secret, so it did not make the code. Nothing
    /// was kept.
    #[error("the response does not come from the service that made the code")]
    Impostor,
    /// Ask the person to set the device's clock: it differs from the service's clock by more than 24 hours.
    #[error("the clock is off by more than a day")]
    ClockWrong,
    /// Say that this phone already has the account.
    #[error("the account is already on this phone")]
    AlreadyAdded,
    /// Say that the service refused the request, or that its response could not be verified; nothing was changed.
    #[error("the service refused the request, or its response could not be verified")]
    AnswerRefused,
    /// Say that the service removed this phone from the account; offer to add the account again.
    #[error("the account was removed by the service")]
    AddAgain,
    /// Read the snapshot again: the account, prompt or step no longer exists, or the reply does not fit the step.
    #[error("no such account, request or step")]
    NoLongerThere,
    /// Say that the prompt has expired.
    #[error("the request has expired")]
    Expired,
    /// Say that this phone already answered the prompt.
    #[error("the request was already answered")]
    AlreadyAnswered,
    /// Say that the service's keys changed without proof, and that its prompts are no longer shown. Offer to add the
    /// account again.
    #[error("the service's identity changed")]
    IdentityChanged,
    /// Say that phone sign-in is off; offer to turn it on.
    #[error("phone sign-in is off")]
    PhoneSignInOff,
    /// Say that the organization does not allow the request at present: its policy forbids it, or the person is
    /// suspended.
    #[error("not allowed by the organization at present")]
    NotAllowedNow,
    /// Keep waiting for the browser: the redirect belongs to another act, or comes from an attacker.
    #[error("the browser's redirect does not belong to this act")]
    ForeignRedirect,
    /// Ask for the number again: it has too few or too many digits, or is none of the options. Nothing was sent.
    #[error("the number does not have the requested form")]
    NumberForm,
    /// Open the authenticator again: it was shut down.
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
