//! Tries to take over accounts, against the program `countersign-service`.
//!
//! Unlike the journeys, these tests use no code of the service: browsers send the forms of its pages, phones sign their
//! own requests, and operators run its commands. So they run against any version of the program:
//!
//! ```sh
//! COUNTERSIGN_SERVICE=/path/to/countersign-service cargo test -p countersign-journeys --test takeover
//! ```
//!
//! Without the variable, they use the program that `cargo build -p countersign-service` has built.
//!
//! Each file is about one way of taking over. Its first tests show that the same steps work without an attacker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first error"
)]

mod administrator;
mod ended;
mod first_phone;
mod former_administrator;
mod given_back;
mod other_accounts;
mod phone;
mod program;
mod removed_phone;
mod removed_role;
mod reported_password;
mod revoked;
mod roles;
mod steps;
mod taken_back;
mod turned_off;
mod typed_pass;
mod unspent;
