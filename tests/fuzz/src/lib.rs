//! Fuzz targets for every reader of outside input.
//!
//! Each target is one function. It passes any bytes to the real reader of core, service, relay or terminal phone, and
//! checks everything that the reader accepts against the protocol's rules. `strict` and the targets implement these
//! rules a second time, in another way than the readers, so a target finds more than crashes.
//!
//! The programs of `guided` (nightly compiler, coverage-guided) and the tests in `tests/targets.rs` (stable compiler,
//! seeded mutations) call the same functions on the same corpus: `tests/vectors` and a few seeds written by hand. Input
//! that begins with `{` is first signed, sealed or authenticated with the test keys, so that mutations pass the
//! cryptographic checks.
//!
//! | module | contents |
//! | --- | --- |
//! | `codes` | scanned, typed and photographed codes; redirects of a browser |
//! | `signed` | messages that a service signs |
//! | `answers` | unsigned responses of a service |
//! | `sealed` | encrypted or encoded messages: pushes, snapshots, sealed values, signatures, keys |
//! | `service`, `pages` | messages of phones, browsers and administrators to the service, which `scene` sets up |
//! | `relay` | messages to the relay; messages from the relay to the terminal phone; lines typed into that phone |
//! | `mutate`, `sign`, `vectors`, `strict` | the mutator, the test keys, the corpus, the protocol's rules |
//! | `guided` | generates the crate for cargo-fuzz from the list `TARGETS` |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::missing_panics_doc,
    reason = "a target panics at the first violation"
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
    /// The target's name, which its test and its cargo-fuzz program also have.
    pub name: &'static str,
    /// Reads the input. Panics when a rule is violated; otherwise returns whether the reader accepted the input.
    pub read: fn(&[u8]) -> bool,
    /// The inputs that mutation starts from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The number of mutated cases in the tests. These cases take one or two seconds without optimization.
    pub cases: usize,
}

/// Makes `TARGETS` and `for_each_target` from the list of targets.
macro_rules! targets {
    ($($name:ident: $read:path, $seeds:expr, $cases:literal;)*) => {
        /// Every target.
        pub const TARGETS: &[Target] =
            &[$(Target { name: stringify!($name), read: $read, seeds: $seeds, cases: $cases }),*];

        /// Passes the names of all targets to a macro, which can define an item for each name.
        #[macro_export]
        macro_rules! for_each_target {
            ($each:ident) => {
                $each! { $($name)* }
            };
        }
    };
}

// The list of targets: name, reader, seeds, and the number of mutated cases in the tests.
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
    inbox_account: sealed::inbox_account, sealed::inbox_account_seeds, 300;
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
    request: service::request, service::request_seeds, 250;
    sealed: sealed::sealed, sealed::sealed_seeds, 2_000;
    sign_in_key: service::sign_in_key, || vectors::messages("phone-sign-in-key.json"), 500;
    signature: sealed::signature, sealed::signature_seeds, 5_000;
    state: signed::state, signed::state_seeds, 3_000;
    subscribe: relay::subscribe, relay::subscribe_seeds, 1_000;
    token: answers::token, answers::token_seeds, 4_000;
    typed: codes::typed, codes::typed_seeds, 3_000;
    typed_texts: pages::typed_texts, pages::typed_texts_seeds, 3_000;
    withdrawn: signed::withdrawn, || vectors::messages("prompt-withdrawn.json"), 2_000;
}

/// Returns the target of that name; panics when there is none.
#[must_use]
pub fn named(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}
