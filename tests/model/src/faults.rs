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
    /// The outcome of a ceremony changed, and the new outcome is not `Reported`.
    DecidedTwice,
    /// The session that a reported approval gave still exists.
    ReportedSessionContinues,
    /// One browser has two live ceremonies.
    TwoLiveCeremonies,
    /// Two ceremonies of an account have the same number.
    SameNumber,
    /// Alice's phone shows a prompt of another device.
    ShownToAnother,
    /// An open prompt of Alice can't be denied.
    CannotDeny,
    /// Alice's account was changed without an approval for this kind of change.
    ChangedWithoutItsApproval,
    /// Ceremonies of unknown browsers affected ceremonies of another origin.
    OriginAffectsAnother,
    /// Another person's phone is an active device of Alice's account.
    ForeignPhone,
    /// A phone was bound without the code's secret.
    BoundWithoutTheCode,
    /// One code bound two phones, or digits were accepted for an enrollment that was not bound.
    BoundTwice,
    /// The service checked digits from a session other than the wizard's.
    DigitsFromAnotherSession,
    /// The service still stores the secret of a code whose enrollment is over.
    CodeKeptAfterItsEnd,
    /// One of these: two enrollments of Alice's account are active; an enrollment is open although another one is
    /// active; a device is pending although its enrollment ended.
    EnrollmentLeftOpen,
    /// Alice's phone may register a sign-in key, although Alice did not approve this.
    KeyWithoutItsApproval,
    /// A registered sign-in key does not belong to the device's phone, or its registration claimed no user
    /// verification.
    UnverifiedKey,
    /// An authorization code, a token or a nonce worked for a phone, request or token for which it was not issued.
    TokenForAnother,
    /// Alice's phone accepted a redirect that does not belong to its own request or service.
    AcceptedForeignAnswer,
    /// A phone was added, or adding it began or continued, although no approval of adding, no typed pass and no allowed
    /// password of an account without a phone gave it.
    PhoneWithoutPermission,
    /// A session, a known browser, a pass, a role or a token was given although nothing valid of its own kind gave it.
    GivenWithoutPermission,
    /// Something that a reported approval has given, itself or by a phone or a pass, continues or was given later.
    ReportedGrantContinues,
    /// A grant continues although a new password, a suspension, a removal, a loss, a reset, a new phone or a new pass
    /// ended it.
    EndedGrantContinues,
    /// A person who does not own the phone started or continued the registration of the phone's sign-in key.
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
