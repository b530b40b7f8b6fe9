//! What a transaction decided.

/// Granted, or refused. A refusal is an answer, not an error: what the transaction wrote of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict<T, R> {
    /// What was asked for.
    Granted(T),
    /// Why not.
    Refused(R),
}

impl<T, R> Verdict<T, R> {
    /// As a result, for callers to whom a refusal is an error.
    ///
    /// # Errors
    /// Why not.
    pub fn into_result(self) -> Result<T, R> {
        match self {
            Self::Granted(value) => Ok(value),
            Self::Refused(why) => Err(why),
        }
    }
}
