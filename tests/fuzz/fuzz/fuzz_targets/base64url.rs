#![no_main]
//! `base64url`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("base64url").read)(data);
});
