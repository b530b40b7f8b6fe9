//! Why a command did not do what was asked; the words for it are in `words`.

use countersign::{Error, NotAllowed, OtherCode, RemovalCause};

/// Why a command did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// The core refused.
    #[error(transparent)]
    Core(#[from] Error),
    /// The private folder can't be made, read or written.
    #[error("the home folder can't be used")]
    Home,
    /// No folder was named, and the system names none.
    #[error("no home folder")]
    NoHome,
    /// No relay was ever named.
    #[error("no relay")]
    NoRelay,
    /// The relay's address is not an `https` address.
    #[error("not a relay's address")]
    RelayAddress,
    /// The file of certificates can't be read.
    #[error("the certificates can't be read")]
    Certificates,
    /// This desktop has no key store that answers, and no other was chosen.
    #[error("no keyring")]
    NoKeyring,
    /// This phone's keys are kept in the other place.
    #[error("the keys are elsewhere")]
    KeysElsewhere,
    /// Nobody is there to be asked for the passphrase.
    #[error("no passphrase")]
    NoPassphrase,
    /// The two passphrases differ.
    #[error("the passphrases differ")]
    PassphrasesDiffer,
    /// The new passphrase is too short.
    #[error("the passphrase is too short")]
    PassphraseTooShort,
    /// The picture file can't be read.
    #[error("the picture file can't be read")]
    PictureFile,
    /// The code is not one of ours.
    #[error("another kind of code")]
    OtherCode(OtherCode),
    /// Nobody said yes.
    #[error("not confirmed")]
    NotConfirmed,
    /// No request goes by this name.
    #[error("no such request")]
    NoSuchRequest,
    /// Several requests go by this name.
    #[error("several requests go by this name")]
    SeveralRequests,
    /// No account goes by this name.
    #[error("no such account")]
    NoSuchAccount,
    /// Several accounts go by this name.
    #[error("several accounts go by this name")]
    SeveralAccounts,
    /// The service ended adding the account.
    #[error("adding the account ended")]
    Ended(RemovalCause),
    /// Phone sign-in can't be turned on.
    #[error("phone sign-in is not allowed")]
    NotAllowed(NotAllowed),
    /// There is no lock that could guard the key.
    #[error("no device lock")]
    MissingLock,
    /// The browser did not come back.
    #[error("the browser did not come back")]
    NoBrowserAnswer,
    /// The test that the service sent did not come.
    #[error("no push came")]
    NoPush,
    /// There was a test push within the last minute.
    #[error("tested a moment ago")]
    TestedLately,
    /// The service has no address for pushes to this phone any more.
    #[error("no push address")]
    NoPushAddress,
    /// There is nothing to go on with.
    #[error("nothing to resume")]
    NothingToResume,
    /// The words typed while watching are no order.
    #[error("not understood")]
    NotUnderstood,
    /// The output is gone.
    #[error("the output is closed")]
    Output,
}

impl From<std::io::Error> for PhoneError {
    fn from(_closed: std::io::Error) -> Self {
        Self::Output
    }
}
