//! The pages on which administrators manage people, groups, passes and the policy. The pages open only in a session
//! that the administrator's phone has approved.

mod access;
pub mod acts;
pub mod approve;
mod pages;
pub mod routes;
