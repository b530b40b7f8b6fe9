//! Signing a person in with a password and a number.

pub mod records;
pub mod routes;
