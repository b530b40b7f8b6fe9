#![no_main]
//! `sealed`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("sealed").read)(data);
});
