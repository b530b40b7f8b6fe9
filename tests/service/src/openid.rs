//! The OpenID Provider. It works with unmodified relying parties, and supports only the authorization code flow with
//! PKCE (OpenID Connect Core 1.0, OAuth 2.1).

pub mod acts;
pub mod answer;
pub mod records;
pub mod request;
pub mod routes;
pub mod rules;
