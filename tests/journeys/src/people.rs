//! The main person of the journeys, Ada.

/// Ada's user name.
pub const USER: &str = "ada@example.org";
/// Ada's password.
pub const PASSWORD: &str = "correct horse battery staple";
