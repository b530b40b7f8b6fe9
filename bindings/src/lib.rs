//! The core for Kotlin and Swift: its whole public API by UniFFI, and no decision of its own.
//!
//! | module | what it carries over |
//! | --- | --- |
//! | `authenticator` | the one door, and the objects it hands out |
//! | `inbox` | what a notification extension may do |
//! | `ports` | what the shell implements, in Kotlin or Swift |
//! | `prompts`, `records` | what a screen shows |
//! | `steps` | acts that need more than one go |
//! | `error` | what the app does next when something did not work |
//!
//! Every type of the core is matched in full, so that a new variant or field does not compile here until it
//! is carried over; `tests/complete.rs` finds what is missing altogether.

mod authenticator;
mod error;
mod inbox;
mod ports;
mod prompts;
mod records;
mod steps;

pub use authenticator::{Authenticator, Offer, restored_accounts, start_over};
pub use error::CountersignError;
pub use inbox::{Inbox, InboxError};
pub use ports::{DeviceLock, KeyStore, PlatformError, Ports, PushChannel, TlsTrust};
pub use prompts::{Matching, Prompt, PushEffect};
pub use records::{Checked, CodeInput, EnrollmentEnd, Folders, Invite, Scanned, Snapshot, Unreachable, next_step};
pub use steps::{Reply, Step};

uniffi::setup_scaffolding!("countersign");
