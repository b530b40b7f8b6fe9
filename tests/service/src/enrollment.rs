//! Adding a phone: the service's half of protocol section 3.

pub mod acts;
pub mod by_sign_in;
pub mod proofs;
pub mod records;
pub mod routes;
pub mod rules;
pub mod state;
