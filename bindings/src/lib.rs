//! The core for Kotlin and Swift: its whole public API by UniFFI, and no decision of its own.
//!
//! The core's feature `uniffi` makes its public types and ports known to Kotlin and Swift as they are. This crate holds
//! what differs there:
//!
//! | module | what it holds |
//! | --- | --- |
//! | `authenticator` | the one door, and the objects it hands out |
//! | `inbox` | what a notification extension may do |
//! | `ports` | what the shell hands over to open the authenticator |
//! | `prompts`, `records` | plain records for types that only the core can make |
//! | `error` | what the app does next when something did not work |
//!
//! Each of these types is matched in full, so that a new variant or field does not compile here until it
//! is carried over; `tests/complete.rs` finds what is missing altogether, or written twice.

mod authenticator;
mod error;
mod inbox;
mod ports;
mod prompts;
mod records;

pub use authenticator::{Authenticator, Offer, restored_accounts, start_over};
// One component with the core's own types: UniFFI goes by the crate's name, and both have the same.
pub use countersign::UniFfiTag;
pub use error::CountersignError;
pub use inbox::{Inbox, InboxError};
pub use ports::Ports;
pub use prompts::{Matching, Prompt, PushEffect};
pub use records::{Checked, Folders, Invite, Scanned, Snapshot, Unreachable, next_step};
