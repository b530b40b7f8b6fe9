//! Stateful fakes of the ports, for tests of this crate and of apps that embed it.
//!
//! Each fake stores what a real implementation stores, and can be set to fail as a real one fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc, reason = "for tests")]

mod clock;
#[cfg(feature = "authenticator")]
pub mod cost;
#[cfg(feature = "authenticator")]
pub mod decisions;
mod key_store;
#[cfg(feature = "authenticator")]
mod offline;
#[cfg(feature = "authenticator")]
pub mod readers;

#[cfg(feature = "authenticator")]
pub use crate::base::points::{Point, Side, watch};
#[cfg(feature = "desktop")]
pub use crate::keystore::passphrase::cheap::passphrases_are_cheap;
pub use clock::FakeClock;
#[cfg(feature = "desktop")]
pub use key_store::passphrase_guard_contract;
pub use key_store::{FakeKeyStore, OneWrappedKey, key_store_contract};
#[cfg(feature = "authenticator")]
pub(crate) use offline::Offline;
