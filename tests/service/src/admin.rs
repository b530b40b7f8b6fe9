//! The administrator's pages: people, groups, passes, policy. The pages open only in a session that the administrator's
//! phone has approved.

pub mod acts;
pub mod routes;
