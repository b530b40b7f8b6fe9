//! What may not happen.

/// What may not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something is not there any more.
    #[error("LOST: {0}")]
    Lost(String),
    /// Something took effect twice.
    #[error("DOUBLED: {0}")]
    Doubled(String),
    /// Something does not come to its end.
    #[error("STUCK: {0}")]
    Stuck(String),
    /// Something else is not as it must be.
    #[error("BROKEN: {0}")]
    Broken(String),
}

impl Fault {
    pub(crate) fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}
