//! Temporary access passes. With a pass, a person can add a phone without a password. A pass works once, and only for a
//! short time.
//!
//! A pass alone does not sign the person in to an application. An administrator creates a pass for a person, or the
//! person creates a pass after step-up. A new pass ends the person's older unused pass. Passes are stored hashed.

pub mod acts;
pub mod pass;
pub mod records;
pub mod rules;
