//! Security info: a person's own sign-in methods, and the wizard that adds one.

pub mod acts;
pub mod routes;
pub mod rules;
pub mod step_up;
pub mod wizard;
