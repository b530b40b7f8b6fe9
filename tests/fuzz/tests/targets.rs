//! Each target on the stable compiler: the whole corpus, then a bounded number of seeded mutations of it.
//!
//! Bounded by cases and not by time, so that a slow machine tries the same ones; `cargo xtask fuzz` goes on for as long
//! as it is told. `COUNTERSIGN_FUZZ_SECONDS` lets one of these go on too, where there is no nightly compiler.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say what they did"
)]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use countersign_fuzz::mutate::Mutator;
use countersign_fuzz::{TARGETS, named};

/// The same cases each time; long runs begin elsewhere.
const SEED: u64 = 1;

/// So many accepted inputs are mutated further.
const KEPT: usize = 500;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Small inputs that once failed, by target.
fn regressions(name: &str) -> Vec<Vec<u8>> {
    let folder = here().join("regressions").join(name);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// Reads the corpus and what is made of it; a case that fails is left in a file, to be repeated.
fn replayed(name: &str) {
    let target = named(name);
    let seeds: Vec<Vec<u8>> = (target.seeds)().into_iter().chain(regressions(name)).collect();
    let longer: Option<u64> = std::env::var("COUNTERSIGN_FUZZ_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    let (started, mut mutator) = (Instant::now(), Mutator::new(SEED.wrapping_add(longer.unwrap_or_default())));
    let (mut read, mut accepted, mut good) = (0_usize, 0_usize, Vec::new());
    let goes_on = |read: usize| match longer {
        None => read < seeds.len() + target.cases,
        Some(seconds) => started.elapsed() < Duration::from_secs(seconds),
    };
    while read < seeds.len() || goes_on(read) {
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
                println!("{name}: case {read} fails, left in {}", file.display());
                resume_unwind(failure);
            }
        }
        read += 1;
    }
    println!("{name}: {read} read, {accepted} accepted, in {} ms", started.elapsed().as_millis());
    // A target that accepts everything, or nothing, asserts nothing.
    assert!(accepted > 0, "{name} accepted nothing");
    assert!(accepted < read || name == "sealed", "{name} accepted everything");
}

macro_rules! each {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replayed(stringify!($name));
        })*

        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

each! {
    answer base64url bound chain code credentials discovery endpoint enrollment inbox json jws key line look_up next_keys order page picture policy problem prompt push push_test pushed redirect request sealed sign_in_key signature state subscribe token typed typed_texts withdrawn
}

/// What is listed is tested and fuzzed, and the reverse.
#[test]
fn every_target_is_tested_and_fuzzed() {
    let listed: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(listed.len(), TARGETS.len(), "a name stands twice");
    assert_eq!(TESTED.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), listed);
    let files = std::fs::read_dir(here().join("fuzz/fuzz_targets")).unwrap().map(|entry| entry.unwrap().path());
    let fuzzed: BTreeSet<String> = files
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let says = std::fs::read_to_string(&file).unwrap();
            assert!(says.contains(&format!("countersign_fuzz::named(\"{name}\").read")), "{name} reads another target");
            name
        })
        .collect();
    assert_eq!(fuzzed, listed);
    let manifest = std::fs::read_to_string(here().join("fuzz/Cargo.toml")).unwrap();
    let built = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""));
    assert_eq!(built.map(str::to_owned).collect::<BTreeSet<_>>(), listed);
}
