//! The organization's authentication-methods policy: who may use the app, and how.

pub mod acts;
pub mod document;
pub mod records;
pub mod routes;
pub mod rules;
