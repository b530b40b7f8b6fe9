//! What must hold of every reader of outside input, whatever it is given.
//!
//! One function for each reader. It takes any bytes, hands them to the real reader of core, service, relay or
//! terminal phone, and asserts what must hold of whatever was accepted: it is written down a second time in `strict`
//! and in the functions themselves, in another way than the readers do it. "No crash" is the least of it.
//!
//! Programs made by `guided` (nightly, coverage-guided) and `tests/targets.rs` (stable, seeded) call the same functions,
//! on the same corpus: `tests/vectors` and a few seeds written by hand. What begins with `{` is signed, sealed or
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
//! | `guided` | the crate for cargo-fuzz, made of the list below |
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
pub mod guided;
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
    /// Its name, also that of its test and of its program for cargo-fuzz.
    pub name: &'static str,
    /// Reads, and panics when something does not hold; whether the input was accepted.
    pub read: fn(&[u8]) -> bool,
    /// Where mutation starts.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Mutated cases in the tests: what takes a second or two without optimisation.
    pub cases: usize,
}

/// Takes the list of targets, and makes of it `TARGETS` and `for_each_target`.
macro_rules! targets {
    ($($name:ident: $read:path, $seeds:expr, $cases:literal;)*) => {
        /// Every target.
        pub const TARGETS: &[Target] =
            &[$(Target { name: stringify!($name), read: $read, seeds: $seeds, cases: $cases }),*];

        /// Hands the names of all targets to a macro, which can make an item of each.
        #[macro_export]
        macro_rules! for_each_target {
            ($each:ident) => {
                $each! { $($name)* }
            };
        }
    };
}

// The one list. Each has its name, what reads, where mutation starts, and how many mutated cases the tests try.
targets! {
    answer: service::answer, || vectors::messages("phone-answer.json"), 150;
    base64url: codes::base64url, codes::base64url_seeds, 20_000;
    bound: answers::bound, answers::bound_seeds, 4_000;
    chain: signed::chain, signed::chain_seeds, 500;
    code: codes::code, codes::code_seeds, 10_000;
    credentials: relay::credentials, relay::credentials_seeds, 300;
    discovery: answers::discovery, answers::discovery_seeds, 1_500;
    endpoint: relay::endpoint, relay::endpoint_seeds, 4_000;
    enrollment: service::enrollment, service::enrollment_seeds, 200;
    inbox: sealed::inbox, sealed::inbox_seeds, 300;
    json: signed::json_text, signed::json_seeds, 4_000;
    jws: signed::jws, || vectors::messages("phone-prompt.json"), 2_000;
    key: sealed::key, sealed::key_seeds, 2_000;
    line: relay::line, relay::line_seeds, 5_000;
    look_up: answers::look_up, answers::look_up_seeds, 1_500;
    next_keys: signed::next_keys, || vectors::messages("phone-keys.json"), 1_000;
    order: relay::order, relay::order_seeds, 10_000;
    page: pages::page, pages::page_seeds, 200;
    picture: codes::picture, codes::picture_seeds, 20;
    policy: pages::policy, pages::policy_seeds, 500;
    problem: answers::problem, answers::problem_seeds, 10_000;
    prompt: signed::prompt, signed::prompt_seeds, 3_000;
    push: sealed::push, sealed::push_seeds, 150;
    push_test: signed::push_test, || vectors::messages("push-test.json"), 2_000;
    pushed: service::pushed, service::pushed_seeds, 250;
    redirect: codes::redirect, codes::redirect_seeds, 5_000;
    request: service::request, || vectors::messages("phone-request.json"), 250;
    sealed: sealed::sealed, sealed::sealed_seeds, 2_000;
    sign_in_key: service::sign_in_key, || vectors::messages("phone-sign-in-key.json"), 500;
    signature: sealed::signature, sealed::signature_seeds, 5_000;
    state: signed::state, || vectors::messages("phone-state.json"), 3_000;
    subscribe: relay::subscribe, relay::subscribe_seeds, 1_000;
    token: answers::token, answers::token_seeds, 4_000;
    typed: codes::typed, codes::typed_seeds, 3_000;
    typed_texts: pages::typed_texts, pages::typed_texts_seeds, 3_000;
    withdrawn: signed::withdrawn, || vectors::messages("prompt-withdrawn.json"), 2_000;
}

/// The target of that name.
#[must_use]
pub fn named(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}
