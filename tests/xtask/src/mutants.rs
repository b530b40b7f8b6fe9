//! Runs mutation testing: changes one decision in the code at a time, and checks that a test fails.

use std::io;

use crate::report::{part, run as run_command, say};
use crate::tools;

/// The parts of the project that are tested. `tests/mutants/<part>.toml` lists the files to mutate, the tests to run,
/// and the mutations to leave out.
pub(crate) const PARTS: [&str; 2] = ["core", "service"];

/// Tries every change in one part, or in all parts; `shard` ("k/n") limits the run to one of n shards. Returns true
/// when every change made at least one test fail.
pub(crate) fn run(only: Option<&str>, shard: Option<&str>) -> io::Result<bool> {
    let Some(cargo_mutants) = tools::cargo_mutants()? else {
        say("cargo-mutants can't be built here.");
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
