//! Defines the results of a command that did not fail, with their exit codes.

/// The result of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The command did what was asked.
    Done,
    /// The service returned another result, for example `wrong_number`.
    Otherwise,
    /// The request to the service is stored, and is sent when the service can be reached.
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
