//! Lets a person manage their sign-in methods: the page that lists the methods, the step-up before a change, and the
//! wizard that adds a phone.

pub mod acts;
mod facts;
pub(crate) mod loss;
pub mod routes;
pub mod rules;
pub mod step_up;
pub mod wizard;
