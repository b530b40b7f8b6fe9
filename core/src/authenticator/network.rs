//! HTTP connections to services, and their discovery documents.

pub(crate) mod http;
pub(crate) mod metadata;
