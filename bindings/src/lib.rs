//! Exports the core's complete public API to Kotlin and Swift, by UniFFI. This crate makes no decisions.
//!
//! The core's feature `uniffi` exports most of its public types and ports unchanged. This crate defines the types that
//! differ in Kotlin and Swift:
//!
//! | module | contents |
//! | --- | --- |
//! | `authenticator` | the entry point, and the objects that it returns |
//! | `inbox` | the API of a notification extension |
//! | `ports` | the platform's implementations, passed to open the authenticator |
//! | `prompts`, `records` | plain records in place of the core's types |
//! | `error` | errors; those to which the app reacts in the same way share a variant |
//!
//! The conversions match every variant and field, so a new variant or field in the core stops the build until it is
//! added here. `tests/complete.rs` finds items of the core that are missing here or exported twice.

mod authenticator;
mod error;
mod inbox;
mod ports;
mod prompts;
mod records;

pub use authenticator::{Authenticator, Offer, restored_accounts, start_over};
// UniFFI identifies a component by its crate's name. Both crates have the same name, so they form one component.
pub use countersign::UniFfiTag;
pub use error::CountersignError;
pub use inbox::{Inbox, InboxError};
pub use ports::Ports;
pub use prompts::{Matching, Prompt, PushEffect};
pub use records::{Checked, Folders, Invite, Scanned, Snapshot, Unreachable, next_step};
