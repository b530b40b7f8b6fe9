//! Adds a phone by a code or by signing in. This is the service's side of protocol sections 3 and 11.

pub mod acts;
pub mod by_sign_in;
pub mod proofs;
pub mod records;
pub mod routes;
pub mod rules;
pub mod state;
