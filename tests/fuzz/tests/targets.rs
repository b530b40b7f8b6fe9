//! Runs each target with the stable compiler: on the complete corpus, then on a fixed number of seeded mutations.
//!
//! The tests limit the number of cases and not the time, so that a slow machine runs the same cases. `cargo xtask fuzz`
//! limits the time. Without a nightly compiler, `cargo xtask fuzz` runs these tests one after another, and sets the
//! variable `COUNTERSIGN_FUZZ_SECONDS` for each.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and print their results"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use countersign_fuzz::mutate::Mutator;
use countersign_fuzz::{TARGETS, for_each_target, guided, named};
use serde_json::Value;

/// The seed of runs without a time limit; a run with a time limit uses another seed.
const SEED: u64 = 1;

/// The maximum number of accepted inputs that are mutated further.
const KEPT: usize = 500;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the small inputs that made this target fail in the past.
fn regressions(name: &str) -> Vec<Vec<u8>> {
    let folder = here().join("regressions").join(name);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// Runs a target on its corpus and on mutations. Writes an input that fails to a file.
fn replayed(name: &str) {
    let target = named(name);
    let seeds: Vec<Vec<u8>> = (target.seeds)().into_iter().chain(regressions(name)).collect();
    let longer: Option<u64> = std::env::var("COUNTERSIGN_FUZZ_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    let (started, mut mutator) = (Instant::now(), Mutator::new(SEED.wrapping_add(longer.unwrap_or_default())));
    let (mut read, mut accepted, mut good) = (0_usize, 0_usize, Vec::new());
    let continues = |read: usize| match longer {
        None => read < seeds.len() + target.cases,
        Some(seconds) => started.elapsed() < Duration::from_secs(seconds),
    };
    while read < seeds.len() || continues(read) {
        let input = seeds.get(read).cloned().unwrap_or_else(|| mutator.mutate(&seeds, &good));
        match catch_unwind(AssertUnwindSafe(|| (target.read)(&input))) {
            Ok(true) => {
                accepted += 1;
                if good.len() < KEPT {
                    good.push(input);
                }
            }
            Ok(false) => {}
            Err(failure) => {
                let folder = here().join("../../target");
                std::fs::create_dir_all(&folder).unwrap();
                let file = folder.join(format!("fuzz-failure-{name}"));
                std::fs::write(&file, &input).unwrap();
                println!("{name}: case {read} failed, the input is in {}", file.display());
                resume_unwind(failure);
            }
        }
        read += 1;
    }
    println!("{name}: {read} read, {accepted} accepted, in {} ms", started.elapsed().as_millis());
    // A target that accepts every input, or no input, tests nothing. The exception is `sealed`: it seals each input
    // itself, and so accepts every input.
    assert!(accepted > 0, "{name} accepted no input");
    assert!(accepted < read || name == "sealed", "{name} accepted every input");
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replayed(stringify!($name));
        })*
    };
}

for_each_target!(tests);

/// Returns the names of the tests in this program.
fn tested() -> BTreeSet<String> {
    let listed = Command::new(std::env::current_exe().unwrap()).args(["--list", "--format", "terse"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

/// Returns the name and the source file of each program of a crate, from `cargo metadata`.
fn programs(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--offline", "--no-deps", "--format-version", "1"]).current_dir(folder);
    let read: Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    let programs = read["packages"][0]["targets"].as_array().unwrap();
    let text = |program: &Value, member: &str| program[member].as_str().unwrap().to_owned();
    programs.iter().map(|program| (text(program, "name"), text(program, "src_path").into())).collect()
}

/// Each target has a test and a cargo-fuzz program of its name, and the program passes its input to that target.
#[test]
fn every_target_is_tested_and_fuzzed() {
    let tested = tested();
    let folder = tempfile::tempdir().unwrap();
    guided::write(folder.path()).unwrap();
    let fuzzed: BTreeMap<String, PathBuf> = programs(folder.path()).into_iter().collect();
    for name in TARGETS.iter().map(|target| target.name) {
        assert!(tested.contains(name), "{name} has no test");
        let source = std::fs::read_to_string(fuzzed.get(name).unwrap()).unwrap();
        assert!(
            source.contains(&format!("countersign_fuzz::named(\"{name}\").read")),
            "the program {name} calls another target"
        );
    }
    assert_eq!(fuzzed.len(), TARGETS.len(), "a cargo-fuzz program has no target, or two targets have one name");
}
