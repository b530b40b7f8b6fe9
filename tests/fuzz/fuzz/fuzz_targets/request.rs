#![no_main]
//! `request`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("request").read)(data);
});
