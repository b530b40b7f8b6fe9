#![no_main]
//! `push_test`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("push_test").read)(data);
});
