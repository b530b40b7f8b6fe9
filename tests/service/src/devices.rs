//! Manages devices: the phones that are bound to an account, and the tombstones of removed phones (protocol sections 4
//! and 5).

pub mod acts;
pub mod device;
pub mod push_test;
pub mod records;
pub mod request;
pub mod routes;
pub mod rules;
pub mod standing;
pub mod state;
