//! Writes the crate that cargo-fuzz builds, with a program for each target. The crate is generated and not committed.

use std::fs;
use std::io::Result;
use std::path::Path;

use crate::TARGETS;

/// Writes the crate into a folder. Unchanged files are not written, so that cargo does not rebuild them.
///
/// # Errors
///
/// When the folder can't be written to.
pub fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("fuzz_targets"))?;
    put(&folder.join("Cargo.toml"), &manifest())?;
    TARGETS.iter().try_for_each(|target| put(&folder.join(path(target.name)), &source(target.name)))
}

fn put(file: &Path, text: &str) -> Result<()> {
    if fs::read(file).is_ok_and(|present| present == text.as_bytes()) { Ok(()) } else { fs::write(file, text) }
}

fn path(name: &str) -> String {
    format!("fuzz_targets/{name}.rs")
}

fn source(name: &str) -> String {
    format!(
        r#"#![no_main]
//! `{name}`, coverage-guided.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {{
    let _accepted = (countersign_fuzz::named("{name}").read)(data);
}});
"#
    )
}

fn manifest() -> String {
    let programs: String = TARGETS.iter().map(|target| program(target.name)).collect();
    format!(
        r#"# Written by `cargo xtask fuzz` for cargo-fuzz: a workspace of its own.
[workspace]

[package]
name = "countersign-fuzz-targets"
version = "0.1.0"
edition = "2024"
publish = false

[package.metadata]
cargo-fuzz = true

[dependencies]
countersign-fuzz = {{ path = {:?} }}
libfuzzer-sys = "0.4"
{programs}"#,
        env!("CARGO_MANIFEST_DIR")
    )
}

fn program(name: &str) -> String {
    format!(
        r#"
[[bin]]
name = "{name}"
path = "{}"
test = false
doc = false
bench = false
"#,
        path(name)
    )
}
