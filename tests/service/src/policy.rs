//! The organization's policy: which people may use the app, and with which options.

pub mod document;
pub mod records;
pub mod routes;
pub mod rules;
pub mod versions;
