//! The page on which a person manages their sign-in methods, step-up for these changes, and the wizard that adds a
//! phone.

pub mod acts;
pub mod routes;
pub mod rules;
pub mod step_up;
pub mod wizard;
