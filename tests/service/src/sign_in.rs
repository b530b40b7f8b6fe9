//! Signing a person in: with a password or a pass and a number, or with the phone alone.

pub mod flow;
pub mod number;
pub mod password;
pub mod phone;
pub mod records;
pub mod register;
pub mod routes;
