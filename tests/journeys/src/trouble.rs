//! The error type of the harness.

/// Any error of the harness itself.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;
