//! What must hold of every reader of outside input, whatever it is given.
//!
//! One function for each reader. It takes any bytes, hands them to the real reader of core, service, relay or
//! terminal phone, and asserts what must hold of whatever was accepted: it is written down a second time in `strict`
//! and in the functions themselves, in another way than the readers do it. "No crash" is the least of it.
//!
//! `fuzz/fuzz_targets` (nightly, coverage-guided) and `tests/targets.rs` (stable, seeded) call the same functions, on
//! the same corpus: `tests/vectors` and a few seeds written by hand. What begins with `{` is signed, sealed or
//! vouched for with the test keys first, so that what was altered gets past the cryptography.
//!
//! | module | which readers |
//! | --- | --- |
//! | `codes` | what a person scans, types, photographs; what a browser brings back |
//! | `signed` | what a service signs |
//! | `answers` | what a service answers unsigned |
//! | `sealed` | what is encrypted or encoded by others |
//! | `service`, `pages` | what phones, and what browsers and administrators send to the service (`scene` is that service) |
//! | `relay` | what the relay is sent, and what the terminal phone is sent and typed |
//! | `mutate`, `sign`, `vectors`, `strict` | the mutator, the test keys, the corpus, what must hold |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::missing_panics_doc,
    reason = "a target stops at the first surprise"
)]

mod answers;
mod codes;
pub mod mutate;
mod pages;
mod relay;
mod scene;
mod sealed;
mod service;
pub mod sign;
mod signed;
pub mod strict;
pub mod vectors;

/// A reader of outside input.
pub struct Target {
    /// Its name, also that of its file in `fuzz/fuzz_targets` and of its test.
    pub name: &'static str,
    /// Reads, and panics when something does not hold; whether the input was accepted.
    pub read: fn(&[u8]) -> bool,
    /// Where mutation starts.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Mutated cases in the tests: what takes a second or two without optimisation.
    pub cases: usize,
}

const fn target(name: &'static str, read: fn(&[u8]) -> bool, seeds: fn() -> Vec<Vec<u8>>, cases: usize) -> Target {
    Target { name, read, seeds, cases }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    target("answer", service::answer, || vectors::messages("phone-answer.json"), 150),
    target("base64url", codes::base64url, codes::base64url_seeds, 20_000),
    target("bound", answers::bound, answers::bound_seeds, 4_000),
    target("chain", signed::chain, signed::chain_seeds, 500),
    target("code", codes::code, codes::code_seeds, 10_000),
    target("credentials", relay::credentials, relay::credentials_seeds, 300),
    target("discovery", answers::discovery, answers::discovery_seeds, 1_500),
    target("endpoint", relay::endpoint, relay::endpoint_seeds, 4_000),
    target("enrollment", service::enrollment, service::enrollment_seeds, 200),
    target("inbox", sealed::inbox, sealed::inbox_seeds, 300),
    target("json", signed::json_text, signed::json_seeds, 4_000),
    target("jws", signed::jws, || vectors::messages("phone-prompt.json"), 2_000),
    target("key", sealed::key, sealed::key_seeds, 2_000),
    target("line", relay::line, relay::line_seeds, 5_000),
    target("look_up", answers::look_up, answers::look_up_seeds, 1_500),
    target("next_keys", signed::next_keys, || vectors::messages("phone-keys.json"), 1_000),
    target("order", relay::order, relay::order_seeds, 10_000),
    target("page", pages::page, pages::page_seeds, 200),
    target("picture", codes::picture, codes::picture_seeds, 20),
    target("policy", pages::policy, pages::policy_seeds, 500),
    target("problem", answers::problem, answers::problem_seeds, 10_000),
    target("prompt", signed::prompt, signed::prompt_seeds, 3_000),
    target("push", sealed::push, sealed::push_seeds, 150),
    target("push_test", signed::push_test, || vectors::messages("push-test.json"), 2_000),
    target("pushed", service::pushed, service::pushed_seeds, 250),
    target("redirect", codes::redirect, codes::redirect_seeds, 5_000),
    target("request", service::request, || vectors::messages("phone-request.json"), 250),
    target("sealed", sealed::sealed, sealed::sealed_seeds, 2_000),
    target("sign_in_key", service::sign_in_key, || vectors::messages("phone-sign-in-key.json"), 500),
    target("signature", sealed::signature, sealed::signature_seeds, 5_000),
    target("state", signed::state, || vectors::messages("phone-state.json"), 3_000),
    target("subscribe", relay::subscribe, relay::subscribe_seeds, 1_000),
    target("token", answers::token, answers::token_seeds, 4_000),
    target("typed", codes::typed, codes::typed_seeds, 3_000),
    target("typed_texts", pages::typed_texts, pages::typed_texts_seeds, 3_000),
    target("withdrawn", signed::withdrawn, || vectors::messages("prompt-withdrawn.json"), 2_000),
];

/// The target of that name.
#[must_use]
pub fn named(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}
