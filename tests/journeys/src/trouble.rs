//! What goes wrong in the harness.

/// Anything that goes wrong in the harness itself.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;
