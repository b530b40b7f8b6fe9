#![no_main]
//! `sign_in_key`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("sign_in_key").read)(data);
});
