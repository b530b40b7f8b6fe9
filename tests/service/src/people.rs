//! The people of the organization, and their passwords.

pub mod person;
pub mod records;
pub mod rules;
