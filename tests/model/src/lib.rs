//! The ceremonies as a checked model, attacker included: `README.md` says what it holds and what it leaves out.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a model stops at the first surprise"
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
