//! Fuzzes the readers of outside input for a given time. With a nightly compiler, coverage guides the fuzzing. Without
//! a nightly compiler, the inputs are seeded mutations.
//!
//! The targets are those of `tests/fuzz`; `cargo xtask test` runs a fixed number of cases of each target. The
//! crate for cargo-fuzz is generated from the list of targets. The corpus stays in `target/fuzz-corpus` for later runs.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::report::{cargo, command, part, root, say};
use crate::tools;

/// The crate that cargo-fuzz builds.
const CRATE: &str = "target/fuzz-targets";
const CORPUS: &str = "target/fuzz-corpus";
/// Maximum length of an input in bytes, as in the seeded mutator of `tests/fuzz`. Every reader refuses longer input
/// without reading it.
const MAX_LEN: &str = "-max_len=20000";
/// Time limit for one input, in seconds. A reader that takes longer counts as hung.
const TIMEOUT: &str = "-timeout=30";

/// The result of one target.
struct Outcome {
    executions: String,
    coverage: String,
    /// The file with the input that failed, or the log when no such file was written.
    crash: Option<String>,
}

/// Fuzzes each target for an equal part of the minutes, or only the target `only` for all minutes. Returns true when no
/// target crashed.
pub(crate) fn run(minutes: u64, only: Option<&str>) -> io::Result<bool> {
    let names = names()?;
    let targets: Vec<&String> = names.iter().filter(|name| only.is_none_or(|only| only == *name)).collect();
    let count = u64::try_from(targets.len()).unwrap_or(u64::MAX);
    let Some(seconds) = minutes.saturating_mul(60).checked_div(count).map(|seconds| seconds.max(1)) else {
        say(&format!("Unknown target. The targets are: {}", names.join(", ")));
        return Ok(false);
    };
    let guided = is_nightly_there().then(tools::cargo_fuzz).transpose()?.flatten();
    match &guided {
        Some(cargo_fuzz) => {
            if !part("build", || build(cargo_fuzz))? || !part("seeds", seeds)? {
                return Ok(false);
            }
        }
        None => {
            say("There is no nightly compiler (rustup toolchain install nightly), so the inputs are seeded mutations.")
        }
    }
    let mut good = true;
    for name in targets {
        let started = Instant::now();
        let outcome = match &guided {
            Some(cargo_fuzz) => guided_run(cargo_fuzz, name, seconds)?,
            None => seeded_run(name, seconds)?,
        };
        let verdict = outcome.crash.as_ref().map_or_else(|| "no crash".to_owned(), |file| format!("CRASH, see {file}"));
        say(&format!(
            "{name:14} {:>12} executions {:>6} s  coverage {:>6}  {verdict}",
            outcome.executions,
            started.elapsed().as_secs(),
            outcome.coverage
        ));
        good &= outcome.crash.is_none();
    }
    Ok(good)
}

/// Writes the crate for cargo-fuzz; returns the targets' names in the order of their list.
fn names() -> io::Result<Vec<String>> {
    let done = prepare("targets", CRATE).stderr(Stdio::inherit()).output()?;
    if !done.status.success() {
        return Err(io::Error::other("tests/fuzz could not list its targets"));
    }
    Ok(String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect())
}

/// Makes a command of the program `prepare` of `tests/fuzz`, which knows the list of targets.
fn prepare(what: &str, folder: &str) -> Command {
    let mut command = command(&cargo());
    command.args(["run", "--quiet", "--package", "countersign-fuzz", "--bin", "prepare", "--", what]);
    command.arg(root().join(folder));
    command
}

/// Makes a command of the nightly toolchain. Variables that cargo has set for this program are removed, because they
/// select the stable toolchain.
fn nightly(program: &Path) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]).arg(program).current_dir(root());
    for set in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC"] {
        command.env_remove(set);
    }
    command
}

fn is_nightly_there() -> bool {
    let asked = nightly(Path::new("rustc")).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Makes a cargo-fuzz command. The command uses no sanitizer, because the readers are safe Rust. Without a sanitizer
/// they run twice as fast.
fn of_fuzz(cargo_fuzz: &Path, act: &str) -> Command {
    let mut command = nightly(cargo_fuzz);
    command.args([act, "--fuzz-dir", CRATE, "--target-dir", "target/fuzz", "--sanitizer", "none"]);
    command
}

fn build(cargo_fuzz: &Path) -> io::Result<bool> {
    // The lock file is copied, so that the dependency versions are those of the workspace.
    let lock = root().join(CRATE).join("Cargo.lock");
    if !lock.exists() {
        fs::copy(root().join("Cargo.lock"), lock)?;
    }
    Ok(of_fuzz(cargo_fuzz, "build").status()?.success())
}

fn seeds() -> io::Result<bool> {
    Ok(prepare("seeds", CORPUS).status()?.success())
}

fn guided_run(cargo_fuzz: &Path, name: &str, seconds: u64) -> io::Result<Outcome> {
    let log = root().join(format!("target/fuzz-{name}.log"));
    let artifacts = root().join("target/fuzz-artifacts").join(name);
    fs::create_dir_all(&artifacts)?;
    let said = File::create(&log)?;
    let done = of_fuzz(cargo_fuzz, "run")
        .arg(name)
        .arg(root().join(CORPUS).join(name))
        .args(["--", MAX_LEN, TIMEOUT, "-print_final_stats=1"])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(said)
        .status()?;
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let after = |line: &str, word: &str| line.split_once(word)?.1.split_whitespace().next().map(str::to_owned);
    let last = |word: &str| said.lines().rev().find_map(|line| after(line, word)).unwrap_or_else(|| "?".to_owned());
    let crash = (!done.success()).then(|| {
        let written = said.lines().find_map(|line| after(line, "Test unit written to "));
        written.unwrap_or_else(|| log.display().to_string())
    });
    Ok(Outcome { executions: last("stat::number_of_executed_units:"), coverage: last(" cov: "), crash })
}

fn seeded_run(name: &str, seconds: u64) -> io::Result<Outcome> {
    let done = command(&cargo())
        .args(["test", "--quiet", "--package", "countersign-fuzz", "--test", "targets", name])
        .args(["--", "--exact", "--nocapture"])
        .env("COUNTERSIGN_FUZZ_SECONDS", seconds.to_string())
        .output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let own = |word: &str| said.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))?.split_once(word));
    let executions = own(" read").map_or("?", |(count, _)| count).to_owned();
    let crash = (!done.status.success()).then(|| own("left in ").map_or("?", |(_, file)| file).to_owned());
    Ok(Outcome { executions, coverage: "none".to_owned(), crash })
}
