//! Defines the failures that a run can find.

/// A failure in the life of one simulated phone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Data or an effect is missing.
    #[error("LOST: {0}")]
    Lost(String),
    /// An effect happened twice.
    #[error("DOUBLED: {0}")]
    Doubled(String),
    /// An act or a process does not end in time.
    #[error("STUCK: {0}")]
    Stuck(String),
    /// Any other error.
    #[error("BROKEN: {0}")]
    Broken(String),
}

impl Fault {
    pub(crate) fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}
