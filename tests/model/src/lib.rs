//! Models adding a phone, signing in, step-up and turning phone sign-in on, each with an attacker. `README.md`
//! describes the scope and the limits.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a model stops at the first error"
)]

pub mod adding;
pub mod administration;
pub mod answers;
pub mod codes;
pub mod enrollment;
pub mod faults;
pub mod judge;
pub mod ledger;
pub mod origins;
pub mod passes;
pub mod revocation;
pub mod rows;
pub mod scene;
pub mod sign_in;
pub mod step_up;
pub mod steps;
pub mod turning_on;
pub mod world;
