#![no_main]
//! `policy`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("policy").read)(data);
});
