//! Prints progress, and runs commands.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Prints a line; ignores a closed output.
pub(crate) fn say(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}

/// Runs one part of a command, and prints its name, its result and the seconds that it took.
pub(crate) fn part(name: &str, work: impl FnOnce() -> std::io::Result<bool>) -> std::io::Result<bool> {
    say(&format!("── {name}"));
    let started = Instant::now();
    let good = work()?;
    let verdict = if good { "ok" } else { "FAILED" };
    say(&format!("── {name}: {verdict} ({} s)", started.elapsed().as_secs()));
    Ok(good)
}

/// Runs a command in the project's folder; returns true when the command succeeded.
pub(crate) fn run(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> std::io::Result<bool> {
    Ok(command(program).args(arguments).envs(environment.iter().copied()).status()?.success())
}

/// Runs a command and returns what it printed. If it fails, prints its error output.
///
/// # Errors
/// The command can't be started, or it failed.
pub(crate) fn output_of(command: &mut Command) -> std::io::Result<String> {
    let output = command.output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    say(&format!("{printed}{}", String::from_utf8_lossy(&output.stderr)));
    let program = command.get_program().to_string_lossy().into_owned();
    Err(std::io::Error::other(format!("{program} failed: {}", output.status)))
}

/// Makes a command in the project's folder. Removes the variables that cargo has set for this program, because build
/// scripts that depend on these variables would run again, and crates with these build scripts would be rebuilt.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _value) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|set| name.to_string_lossy().starts_with(set)) {
            command.env_remove(name);
        }
    }
    command
}

/// Returns the project's top folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).components().rev().skip(2).collect::<Vec<_>>().into_iter().rev().collect()
}

/// Returns the cargo program that has started this program, or else the name `cargo`.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_unset| "cargo".to_owned())
}

/// Whether this program runs in CI, where no test may be skipped.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
