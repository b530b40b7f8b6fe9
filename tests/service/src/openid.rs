//! The OpenID Provider: enough for a stock relying party, code + PKCE only (OpenID Connect Core 1.0, OAuth 2.1).

pub mod acts;
pub mod answer;
pub mod records;
pub mod request;
pub mod routes;
pub mod rules;
