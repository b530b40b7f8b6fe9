//! The types that the app's screens and the ports exchange with the core.

pub(crate) mod account;
pub(crate) mod fatigue;
pub(crate) mod issuer;
pub(crate) mod origin;
pub(crate) mod platform;
pub(crate) mod prompt;
#[cfg(feature = "authenticator")]
pub(crate) mod ticket;
