//! Models adding a phone, signing in, step-up and turning phone sign-in on, each with an attacker. `README.md`
//! describes the scope and the limits.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a model stops at the first error"
)]

pub mod answers;
pub mod enrollment;
pub mod faults;
pub mod origins;
pub mod rows;
pub mod sign_in;
pub mod step_up;
pub mod turning_on;
pub mod world;
