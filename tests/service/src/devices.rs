//! Devices: phones that were bound to an account, and the tombstones they leave.

pub mod acts;
pub mod device;
pub mod push_test;
pub mod records;
pub mod request;
pub mod routes;
pub mod rules;
pub mod standing;
pub mod state;
