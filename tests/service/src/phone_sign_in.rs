//! Registers a sign-in key or a new device, after the person has agreed in a browser (protocol sections 10 and 11).
//!
//! The phone sends a pushed authorization request to the service, the person agrees in the browser, and the phone gets
//! a token. With the token, the phone registers its sign-in key, or registers itself as a new device
//! (`enrollment::by_sign_in`).

pub mod acts;
pub mod records;
pub mod registration;
pub mod routes;
pub mod rules;
