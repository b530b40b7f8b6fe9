//! The lowest layer: signatures, sealing, secrets, time. It imports nothing from the other layers.

#[cfg(feature = "authenticator")]
pub(crate) mod bearer;
pub(crate) mod clock;
#[cfg(feature = "authenticator")]
pub(crate) mod digits;
pub(crate) mod jose;
#[cfg(feature = "authenticator")]
pub(crate) mod points;
pub(crate) mod seal;
pub(crate) mod secret;
pub(crate) mod text;
