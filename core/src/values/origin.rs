//! Defines the origin of a prompt.

use serde::{Deserialize, Serialize};

/// What the browser behind a prompt has proved to the service (section 7 of the protocol). Signed by the service.
///
/// Prompts of different origins never replace each other or make each other quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The browser has a session of this account.
    SignedIn,
    /// This account signed in with this browser before, with the phone's approval.
    KnownBrowser,
    /// The browser is unknown, and the right password was entered.
    PasswordProved,
    /// The browser is unknown, and only a user name was entered. Anyone can do that: warn the person.
    Unknown,
}
