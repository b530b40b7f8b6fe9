//! Runs the checks that must pass before a merge.

use std::io;

use crate::report::{cargo, part, run as run_command, say};
use crate::tracked::Texts;
use crate::{documents, guards, journeys, layers, secrets, tools, vectors};

type Part = (&'static str, fn() -> io::Result<bool>);

const PARTS: [Part; 16] = [
    ("format", || run_command(&cargo(), &["fmt", "--all", "--check"], &[])),
    ("lints", || clippy(&["--workspace", "--all-targets"])),
    // The two feature sets of released apps: one for the app, and one for its notification extension.
    ("lints of authenticator alone", || clippy_core("authenticator")),
    ("lints of inbox alone", || clippy_core("inbox")),
    ("lints of a library without pictures", || clippy(&["--package", "countersign-bindings", "--no-default-features"])),
    ("documentation", documentation),
    ("licenses, bans, sources", deny),
    ("layers", layers::check),
    ("journeys", journeys::check),
    ("guards", guards::check),
    ("secrets", secrets::check),
    ("frozen vectors", vectors::check),
    ("words", documents::check_words),
    ("links", documents::check_links),
    ("readme", documents::check_readme),
    ("private names", private_names),
];

/// Runs every check whose name contains `only`. Continues after a failed check, so that one run shows all failures.
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

/// Fails when a tracked file names a path or host that exists only on some machines.
fn private_names() -> io::Result<bool> {
    // The names are assembled from parts, so that this file does not contain them.
    let forbidden = [["/wo", "rk/"].concat(), ["../sha", "red"].concat(), ["artifac", "tory"].concat()];
    let texts = Texts::read()?;
    let mut good = true;
    for (name, text) in texts.all() {
        for word in forbidden.iter().filter(|word| text.contains(word.as_str())) {
            say(&format!("{name} names {word}"));
            good = false;
        }
    }
    Ok(good)
}
