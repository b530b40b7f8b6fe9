//! Mutation testing: a decision is changed a little, and some test must fail.

use std::io;

use crate::report::{part, run as run_command, say};
use crate::tools;

/// What is changed, which tests run, and which changes make no difference: `tests/mutants/<part>.toml`.
pub(crate) const PARTS: [&str; 2] = ["core", "service"];

/// Tries every change of one part, or of all; `shard` is "k/n", for a run in pieces. True when none survives.
pub(crate) fn run(only: Option<&str>, shard: Option<&str>) -> io::Result<bool> {
    let Some(cargo_mutants) = tools::cargo_mutants()? else {
        say("cargo-mutants can't be had here.");
        return Ok(false);
    };
    let program = cargo_mutants.to_string_lossy();
    let mut good = true;
    for name in PARTS.into_iter().filter(|name| only.is_none_or(|only| only == *name)) {
        let (config, output) = (format!("tests/mutants/{name}.toml"), format!("target/mutants-{name}"));
        let mut arguments = vec!["mutants", "--no-times", "--config", &config, "--output", &output];
        arguments.extend(shard.into_iter().flat_map(|shard| ["--shard", shard]));
        good &= part(name, || run_command(&program, &arguments, &[]))?;
    }
    Ok(good)
}
