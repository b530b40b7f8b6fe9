//! Words for one error.

/// Words for one error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Stable name for programs.
    pub code: &'static str,
    /// What happened.
    pub happened: &'static str,
    /// What is still fine.
    pub fine: &'static str,
    /// What to do now.
    pub next: &'static str,
}

/// An error's words, in their order.
pub(crate) const fn words(code: &'static str, happened: &'static str, fine: &'static str, next: &'static str) -> Words {
    Words { code, happened, fine, next }
}

/// What is still fine, most of the time.
pub(crate) const NOTHING_CHANGED: &str = "Nothing was changed.";
