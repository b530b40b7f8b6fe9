//! The messages of `core/docs/protocol.md` and the rules for them. These modules use neither the network nor the store,
//! and get the time as a parameter. Only `qr` reads a clock, to limit its running time.

pub(crate) mod claims;
#[cfg(feature = "authenticator")]
pub(crate) mod code;
#[cfg(feature = "authenticator")]
pub(crate) mod features;
pub(crate) mod keys;
#[cfg(feature = "authenticator")]
pub(crate) mod messages;
#[cfg(feature = "authenticator")]
pub(crate) mod problem;
#[cfg(feature = "authenticator")]
pub(crate) mod proofs;
pub(crate) mod push_message;
#[cfg(feature = "authenticator")]
pub(crate) mod qr;
pub(crate) mod verify;
