#![no_main]
//! `look_up`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _accepted = (countersign_fuzz::named("look_up").read)(data);
});
