//! Defines the texts of one error.

/// The texts of one error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Stable name for programs.
    pub code: &'static str,
    /// What happened.
    pub happened: &'static str,
    /// What is not affected.
    pub fine: &'static str,
    /// What to do next.
    pub next: &'static str,
}

/// Makes the texts of an error.
pub(crate) const fn words(code: &'static str, happened: &'static str, fine: &'static str, next: &'static str) -> Words {
    Words { code, happened, fine, next }
}

/// The usual text for `fine`.
pub(crate) const NOTHING_CHANGED: &str = "Nothing was changed.";
