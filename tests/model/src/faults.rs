//! What must never be, in any state of any model.

/// Something that must never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A session of Alice that her phone did not approve, for that very browser, with the key that this needs.
    SignedInWithoutHerPhone,
    /// One approval gave two things.
    CountedTwice,
    /// A ceremony of Alice ended by an answer that her phone did not give.
    DecidedBySomebodyElse,
    /// An approval after the end.
    DecidedTooLate,
    /// An outcome that changed, other than by a report.
    DecidedTwice,
    /// A reported approval whose session goes on.
    ReportedAndStillThere,
    /// Two live ceremonies of one browser.
    TwoAtOnce,
    /// A number that two pages of an account have shown.
    SameNumber,
    /// A phone shows what is meant for another.
    ShownToAnother,
    /// A prompt that waits for Alice, and no way to deny it.
    NoWayToSayNo,
    /// A change of Alice's account without an approval of that very kind.
    ChangedWithoutItsApproval,
    /// What unknown browsers did counts for another origin.
    OriginTouchesAnother,
    /// A phone on Alice's account that is not hers.
    StrangePhone,
    /// A phone was bound by somebody who does not have the code.
    BoundWithoutTheCode,
    /// Two phones by one code.
    BoundTwice,
    /// Digits were taken from another session than the wizard's.
    AnothersWizard,
    /// The secret of a code that is over is still there.
    CodeOutlives,
    /// A way to add a phone that should have ended with another.
    AnotherWayLeftOpen,
    /// A sign-in key on Alice's phone that she has not approved, or that is not her phone's.
    KeyWithoutItsApproval,
    /// A sign-in key that its phone does not hold, or that asked nobody.
    KeyOfNobody,
    /// A code, token or nonce used by a phone or for a request that it was not given to.
    TokenForAnother,
    /// Her phone took what was no answer to its own request.
    TookAForeignAnswer,
    /// A registration that somebody else than the phone's owner has begun or led on.
    StartedForAnother,
}

/// One property for each fault that a model looks for.
macro_rules! always {
    ($($fault:ident),+ $(,)?) => {
        vec![$(stateright::Property::always(stringify!($fault), |_, state: &State| {
            !state.faults.contains(&$crate::faults::Fault::$fault)
        })),+]
    };
}

pub(crate) use always;
