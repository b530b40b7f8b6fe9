//! Temporary access passes: a way to add a phone without a password, once and for a short while.
//!
//! A pass never opens an application by itself. It is stored hashed, made by an administrator or, with step-up,
//! by the person, and a newer one ends the older.

pub mod acts;
pub mod pass;
pub mod records;
pub mod rules;
