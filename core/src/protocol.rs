//! The messages of `docs/protocol.md` and their rules, without network and store. Callers pass the time in; only `qr`
//! reads a clock, to limit its own time.

pub(crate) mod claims;
#[cfg(feature = "authenticator")]
pub(crate) mod code;
pub(crate) mod keys;
#[cfg(feature = "authenticator")]
pub(crate) mod messages;
#[cfg(feature = "authenticator")]
pub(crate) mod proofs;
pub(crate) mod push_message;
#[cfg(feature = "authenticator")]
pub(crate) mod qr;
pub(crate) mod verify;
