#![no_main]
//! `typed_texts`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("typed_texts").read)(data);
});
