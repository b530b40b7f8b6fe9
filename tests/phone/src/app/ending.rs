//! Defines the results of a command that did not fail, with their exit codes.

/// The result of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The command did what was asked.
    Done,
    /// The service returned a result other than the person's decision, for example `wrong_number`.
    Otherwise,
    /// The service has not acknowledged the phone's message yet, for example an answer or a removal. The phone has
    /// stored the message, and sends it again later.
    Queued,
}

impl Ending {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Otherwise => 3,
            Self::Queued => 4,
        }
    }
}
