//! Sends requests to a service: signed exchanges, enrollment, and authorization through the system browser.

pub(crate) mod authorization;
pub(crate) mod clock_offset;
pub(crate) mod connection;
pub(crate) mod enrollment;
pub(crate) mod exchange;
pub(crate) mod service_keys;
