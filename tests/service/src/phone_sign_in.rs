//! Phone sign-in on and off: the device is registered by its owner in a browser, then its sign-in key.

pub mod acts;
pub mod records;
pub mod registration;
pub mod routes;
pub mod rules;
