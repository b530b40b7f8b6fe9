//! What must hold before anything is merged.

use std::path::Path;

use crate::report::{cargo, part, root, run as run_command, say};
use crate::{guards, journeys, layers, secrets, tools, vectors};

/// Runs every check, also after one has failed, so that one run shows everything.
pub(crate) fn run() -> std::io::Result<bool> {
    let cargo = cargo();
    let mut good = part("format", || run_command(&cargo, &["fmt", "--all", "--check"], &[]))?;
    good &= part("lints", || {
        let arguments = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
        run_command(&cargo, &arguments, &[])
    })?;
    // The parts that ship alone: what phones need, and what a notification extension needs.
    for features in ["authenticator", "inbox"] {
        good &= part(&format!("lints of {features} alone"), || {
            let alone = ["--no-default-features", "--features", features, "--", "-D", "warnings"];
            run_command(&cargo, &[&["clippy", "--quiet", "--package", "countersign"], &alone[..]].concat(), &[])
        })?;
    }
    good &= part("documentation", || {
        let arguments = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"];
        run_command(&cargo, &arguments, &[("RUSTDOCFLAGS", "-D warnings")])
    })?;
    good &= part("licences, bans, sources", deny)?;
    good &= part("layers", layers::check)?;
    good &= part("journeys", journeys::check)?;
    good &= part("guards", guards::check)?;
    good &= part("secrets", secrets::check)?;
    good &= part("frozen vectors", vectors::check)?;
    good &= part("private names", private_names)?;
    Ok(good)
}

fn deny() -> std::io::Result<bool> {
    let Some(program) = tools::cargo_deny()? else {
        say("cargo-deny can't be built here.");
        return Ok(false);
    };
    let arguments = ["--log-level", "error", "check", "licenses", "bans", "sources"];
    run_command(&program.to_string_lossy(), &arguments, &[])
}

/// Nothing committed may name a place that only some machine has.
fn private_names() -> std::io::Result<bool> {
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
