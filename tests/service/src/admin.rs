//! The administrator's pages: people, groups, passes, policy. Plain, and for somebody whose phone has approved.

pub mod acts;
pub mod routes;
