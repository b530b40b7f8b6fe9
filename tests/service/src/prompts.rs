//! Starts ceremonies, sends their prompts to devices, and processes the answers (protocol section 7).

pub mod acts;
pub mod answers;
pub mod ceremony;
pub mod change;
pub mod fetch;
pub mod kind;
pub mod numbers;
pub mod records;
pub mod routes;
pub mod rules;
