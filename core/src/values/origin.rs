//! How the browser got as far as asking.

use serde::{Deserialize, Serialize};

/// How the other side got as far as asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From inside a session.
    SignedIn,
    /// From a browser that this account used before.
    KnownBrowser,
    /// From an unknown browser, after the right password.
    PasswordProved,
    /// From an unknown browser where nothing was proved but a user name.
    Unknown,
}
