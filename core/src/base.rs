//! What everything stands on: signatures, sealing, secrets, time.

#[cfg(feature = "authenticator")]
pub(crate) mod bearer;
pub(crate) mod clock;
pub(crate) mod jose;
#[cfg(feature = "authenticator")]
pub(crate) mod points;
pub(crate) mod seal;
pub(crate) mod secret;
pub(crate) mod text;
