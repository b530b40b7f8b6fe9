#![no_main]
//! `code`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("code").read)(data);
});
