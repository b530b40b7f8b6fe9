//! Who the journeys are about.

/// The person of every journey.
pub const USER: &str = "ada@example.org";
/// Her password.
pub const PASSWORD: &str = "correct horse battery staple";
