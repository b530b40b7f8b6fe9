//! Defines the errors of a command; the texts for people are in `words`.

use countersign::{Error, NotAllowed, OtherCode, RemovalCause};

/// The errors of a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// An error of the core.
    #[error(transparent)]
    Core(#[from] Error),
    /// The private folder can't be made, read or written.
    #[error("the home folder can't be used")]
    Home,
    /// No folder was given, and neither `XDG_DATA_HOME` nor `HOME` contains an absolute path.
    #[error("no home folder")]
    NoHome,
    /// No relay was given, neither at this start nor at an earlier one.
    #[error("no relay")]
    NoRelay,
    /// The relay's address is not an `https` address.
    #[error("not a relay's address")]
    RelayAddress,
    /// The file of certificates can't be read, or no TLS client can be made with the certificates.
    #[error("the certificates can't be read")]
    Certificates,
    /// This desktop has no working key store, and the sealed file was not chosen.
    #[error("no keyring")]
    NoKeyring,
    /// This phone's keys are in a key store other than the requested one.
    #[error("the keys are in the other key store")]
    KeysElsewhere,
    /// No passphrase was given, or the passphrase can't be read.
    #[error("no passphrase")]
    NoPassphrase,
    /// The person had to type the new passphrase twice, and typed two different texts.
    #[error("the passphrases differ")]
    PassphrasesDiffer,
    /// The new passphrase is too short.
    #[error("the passphrase is too short")]
    PassphraseTooShort,
    /// The picture file can't be read.
    #[error("the picture file can't be read")]
    PictureFile,
    /// The code is not a Countersign code.
    #[error("another kind of code")]
    OtherCode(OtherCode),
    /// The person did not answer yes.
    #[error("not confirmed")]
    NotConfirmed,
    /// No request has this name.
    #[error("no such request")]
    NoSuchRequest,
    /// Several requests fit this name.
    #[error("several requests fit this name")]
    SeveralRequests,
    /// No account has this name.
    #[error("no such account")]
    NoSuchAccount,
    /// Several accounts fit this name.
    #[error("several accounts fit this name")]
    SeveralAccounts,
    /// The service ended the enrollment, with this cause.
    #[error("adding the account ended")]
    Ended(RemovalCause),
    /// Phone sign-in can't be turned on.
    #[error("phone sign-in is not allowed")]
    NotAllowed(NotAllowed),
    /// This phone has no lock to protect the sign-in key.
    #[error("no device lock")]
    MissingLock,
    /// The browser did not return, or no loopback port is free.
    #[error("the browser did not return")]
    NoBrowserAnswer,
    /// The test push did not arrive.
    #[error("no push arrived")]
    NoPush,
    /// There was a test push within the last minute.
    #[error("there was a test push within the last minute")]
    TestedLately,
    /// The service no longer has a push address of this phone.
    #[error("no push address")]
    NoPushAddress,
    /// There is no interrupted enrollment.
    #[error("nothing to resume")]
    NothingToResume,
    /// While the program waited for requests, the person typed a line that is not an order (`orders.rs`).
    #[error("not understood")]
    NotUnderstood,
    /// Standard output is closed.
    #[error("the output is closed")]
    Output,
}

impl From<std::io::Error> for PhoneError {
    fn from(_closed: std::io::Error) -> Self {
        Self::Output
    }
}
