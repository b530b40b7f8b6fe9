//! The service's own tests. They are in one program, so that the linker runs only once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a test stops at the first failure"
)]

mod admin;
mod effects_without_proof;
mod enrollment_rules;
mod every_address;
mod flows;
mod jose;
mod limits;
mod migration;
mod openid;
mod operator;
mod pages;
mod passes;
mod passwords;
mod phone_endpoints;
mod phone_sign_in_rules;
mod policy_api;
mod policy_rules;
mod preconditions;
mod prompt_rules;
mod push_guard;
mod revocation;
mod secrets;
mod store_contract;
mod support;
mod world;
