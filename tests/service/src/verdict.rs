//! The result type of a transaction that decides something.

/// A decision: the request is granted or refused. The transaction is committed in both cases.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict<T, R> {
    /// The granted value.
    Granted(T),
    /// The reason for the refusal.
    Refused(R),
}

impl<T, R> Verdict<T, R> {
    /// Returns the granted value, or `None` after a refusal.
    pub fn granted(self) -> Option<T> {
        match self {
            Self::Granted(value) => Some(value),
            Self::Refused(_) => None,
        }
    }

    /// Converts the verdict to a result, for callers that treat a refusal as an error.
    ///
    /// # Errors
    /// The reason for the refusal.
    pub fn into_result(self) -> Result<T, R> {
        match self {
            Self::Granted(value) => Ok(value),
            Self::Refused(why) => Err(why),
        }
    }
}
