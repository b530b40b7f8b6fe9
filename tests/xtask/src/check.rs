//! What must hold before anything is merged.

use std::io;
use std::path::Path;

use crate::report::{cargo, part, root, run as run_command, say};
use crate::{guards, journeys, layers, secrets, tools, vectors};

type Part = (&'static str, fn() -> io::Result<bool>);

const PARTS: [Part; 12] = [
    ("format", || run_command(&cargo(), &["fmt", "--all", "--check"], &[])),
    ("lints", || clippy(&["--workspace", "--all-targets"])),
    // The parts that ship alone: what phones need, and what a notification extension needs.
    ("lints of authenticator alone", || clippy_core("authenticator")),
    ("lints of inbox alone", || clippy_core("inbox")),
    ("documentation", documentation),
    ("licences, bans, sources", deny),
    ("layers", layers::check),
    ("journeys", journeys::check),
    ("guards", guards::check),
    ("secrets", secrets::check),
    ("frozen vectors", vectors::check),
    ("private names", private_names),
];

/// Runs every check whose name contains `only`, also after one has failed, so that one run shows everything.
pub(crate) fn run(only: &str) -> io::Result<bool> {
    let wanted: Vec<Part> = PARTS.into_iter().filter(|(name, _)| name.contains(only)).collect();
    let mut good = !wanted.is_empty();
    for (name, check) in wanted {
        good &= part(name, check)?;
    }
    Ok(good)
}

fn clippy(of: &[&str]) -> io::Result<bool> {
    run_command(&cargo(), &[&["clippy", "--quiet"], of, &["--", "-D", "warnings"]].concat(), &[])
}

fn clippy_core(features: &str) -> io::Result<bool> {
    clippy(&["--package", "countersign", "--no-default-features", "--features", features])
}

fn documentation() -> io::Result<bool> {
    let arguments = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"];
    run_command(&cargo(), &arguments, &[("RUSTDOCFLAGS", "-D warnings")])
}

fn deny() -> io::Result<bool> {
    let Some(program) = tools::cargo_deny()? else {
        say("cargo-deny can't be built here.");
        return Ok(false);
    };
    let arguments = ["--log-level", "error", "check", "licenses", "bans", "sources"];
    run_command(&program.to_string_lossy(), &arguments, &[])
}

/// Nothing committed may name a place that only some machine has.
fn private_names() -> io::Result<bool> {
    // Put together here, so that this file does not name them either.
    let forbidden = [["/wo", "rk/"].concat(), ["../sha", "red"].concat(), ["artifac", "tory"].concat()];
    let listed = std::process::Command::new("git").args(["ls-files"]).current_dir(root()).output()?;
    let mut good = true;
    for name in String::from_utf8_lossy(&listed.stdout).lines() {
        let Ok(text) = std::fs::read_to_string(root().join(Path::new(name))) else {
            continue;
        };
        for word in forbidden.iter().filter(|word| text.contains(word.as_str())) {
            say(&format!("{name} names {word}"));
            good = false;
        }
    }
    Ok(good)
}
