//! Connections, and what a service says of itself.

pub(crate) mod http;
pub(crate) mod metadata;
