//! How a command ended that did not fail.

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As asked.
    Done,
    /// The service said something else, such as `wrong_number`.
    Otherwise,
    /// Stored, and on its way as soon as the service can be reached.
    Queued,
}

impl Ending {
    /// The program's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Otherwise => 3,
            Self::Queued => 4,
        }
    }
}
