//! Generates Kotlin and Swift from the metadata inside the built, unstripped library.
//!
//! Usage: `countersign-bindgen LIBRARY KOTLIN_FOLDER SWIFT_FOLDER`. Run it in this crate's folder, which contains
//! `uniffi.toml`.

use std::process::ExitCode;

use uniffi::{GenerateOptions, SwiftBindingsOptions, TargetLanguage};

const CONFIG: &str = "uniffi.toml";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, kotlin, swift] = arguments.as_slice() else {
        return failed("usage: countersign-bindgen LIBRARY KOTLIN_FOLDER SWIFT_FOLDER");
    };
    let for_kotlin = GenerateOptions {
        languages: vec![TargetLanguage::Kotlin],
        source: library.into(),
        out_dir: kotlin.into(),
        config_override: Some(CONFIG.into()),
        ..GenerateOptions::default()
    };
    let for_swift = SwiftBindingsOptions {
        generate_swift_sources: true,
        generate_headers: true,
        generate_modulemap: true,
        source: library.into(),
        out_dir: swift.into(),
        xcframework: false,
        module_name: Some("CountersignCoreFFI".to_owned()),
        modulemap_filename: Some("module.modulemap".to_owned()),
        metadata_no_deps: false,
        link_frameworks: Vec::new(),
        config: Some(CONFIG.into()),
    };
    let generated = uniffi::generate(for_kotlin).and_then(|()| uniffi::generate_swift_bindings(for_swift));
    match generated {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("{error:#}")),
    }
}

#[expect(clippy::print_stderr, reason = "a program for the terminal")]
fn failed(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}
