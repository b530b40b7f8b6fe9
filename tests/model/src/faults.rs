//! Defines the faults: conditions that must not occur in any state of any model.

/// A condition that must not occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Alice's account has a session that Alice's phone did not approve for that browser with the required key.
    SignedInWithoutAlicesPhone,
    /// One approval, authorization code or token took effect twice.
    UsedTwice,
    /// A ceremony of Alice was decided by an answer that Alice's phone did not give.
    DecidedByAnotherPhone,
    /// An approval, an authorization code, a nonce or digits were accepted after they expired.
    DecidedTooLate,
    /// An outcome changed, other than by a report.
    DecidedTwice,
    /// A reported approval still has its session.
    ReportedSessionContinues,
    /// One browser has two live ceremonies.
    TwoLiveCeremonies,
    /// Two ceremonies of an account have the same number.
    SameNumber,
    /// Alice's phone shows a prompt of another device.
    ShownToAnother,
    /// An open prompt of Alice can't be denied.
    CannotDeny,
    /// Alice's account was changed without an approval of that kind.
    ChangedWithoutItsApproval,
    /// Ceremonies of unknown browsers affected ceremonies of another origin.
    OriginAffectsAnother,
    /// Another person's phone is an active device of Alice's account.
    ForeignPhone,
    /// A phone was bound without the code's secret.
    BoundWithoutTheCode,
    /// One code bound two phones.
    BoundTwice,
    /// Digits were accepted from another session than the wizard's.
    DigitsFromAnotherSession,
    /// The service still stores the secret of a code whose enrollment is over.
    CodeKeptAfterItsEnd,
    /// An enrollment or a pending device is still open, although another enrollment became active or its own one ended.
    EnrollmentLeftOpen,
    /// Alice's phone may register a sign-in key, although Alice did not approve this.
    KeyWithoutItsApproval,
    /// A sign-in key was registered that the phone does not have, or without user verification.
    UnverifiedKey,
    /// An authorization code, a token or a nonce worked for another phone or another request than it was issued for.
    TokenForAnother,
    /// Alice's phone accepted a redirect that does not belong to its own request or service.
    AcceptedForeignAnswer,
    /// Another person than the phone's owner started or continued the phone's registration.
    StartedForAnother,
}

/// Makes one property for each fault: no state has this fault.
macro_rules! always {
    ($($fault:ident),+ $(,)?) => {
        vec![$(stateright::Property::always(stringify!($fault), |_, state: &State| {
            !state.faults.contains(&$crate::faults::Fault::$fault)
        })),+]
    };
}

pub(crate) use always;
