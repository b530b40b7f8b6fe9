#![no_main]
//! `next_keys`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("next_keys").read)(data);
});
