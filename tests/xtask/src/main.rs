//! `cargo xtask`: the project's commands, for people and CI.
//!
//! | module | what it does |
//! | --- | --- |
//! | `demo` | adds an account and approves a sign-in, as a demonstration |
//! | `test` | runs every test of every language |
//! | `bench` | measures sizes and times |
//! | `check` | runs the checks that must pass before a merge |
//! | `fuzz` | fuzzes every reader of outside input, for a given time |
//! | `guards` | removes one guard at a time, and checks that the tests of the guard fail |
//! | `mutants` | runs mutation testing: changes one decision at a time, and checks that a test fails |
//! | `torture` | kills the phone at each place where it stores something |
//! | `journeys` | checks that every test exists that is listed for a journey or a threat |
//! | `layers` | checks that the files of a crate import each other in one direction only |
//! | `documents` | checks words, links and the README |
//! | `secrets` | checks that secrets are exposed with a reason, and that logs have known fields only |
//! | `vectors` | checks that the frozen vectors of version 1 are unchanged |
//! | `bindings`, `world` | for tests in other languages: build the library and its code, and start a service |
//! | `count`, `report` | count test results, print progress, run commands |
//! | `kotlin`, `swift`, `python` | run the tests in these languages |
//! | `set_up`, `tools` | install the tools that these commands need |

mod bench;
mod bindings;
mod check;
mod count;
mod demo;
mod documents;
mod fuzz;
mod guards;
mod journeys;
mod kotlin;
mod layers;
mod mutants;
mod python;
mod report;
mod secrets;
mod set_up;
mod swift;
mod test;
mod tools;
mod torture;
mod tracked;
mod vectors;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    about = "Countersign's commands for developers: demonstration, tests, checks",
    after_help = "Each command installs what it needs. On Debian, as root, it installs packages; elsewhere it reports \
                  what is missing."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add an account by scanning and approve a sign-in: service, relay, phone and a real browser on this machine
    Demo {
        /// Run without a person: a headless browser and the phone do everything; pictures go to target/demo
        #[arg(long)]
        unattended: bool,
    },
    /// Run every test and end with one line: N passed, N failed, N skipped
    Test,
    /// Measure sizes and times on this machine; results go to target/bench.json
    Bench {
        /// Measure little, only to show that the command works
        #[arg(long)]
        short: bool,
    },
    /// Fuzz the readers of outside input: guided by coverage with a nightly compiler, else with seeded mutations
    Fuzz {
        /// Total time for all targets
        #[arg(long, value_name = "N")]
        minutes: u64,
        /// Fuzz only this target
        target: Option<String>,
    },
    /// Remove each marked guard in a copy of the project, and check that the tests of the guard fail; takes an hour
    Guards {
        /// Remove only the guards whose name contains this
        #[arg(default_value = "")]
        only: String,
    },
    /// Mutation testing of core and service: change one decision at a time and check that a test fails; takes hours
    Mutants {
        /// Change only the core, or only the service
        #[arg(value_parser = mutants::PARTS)]
        part: Option<String>,
        /// Run only one shard, for example 0/8
        #[arg(long)]
        shard: Option<String>,
    },
    /// Kill the phone at every place where it stores something, on a bad network, and check that phone and service
    /// agree; for a long run: --seeds 10000
    Torture {
        /// Number of random runs, each with its own seed; the same seed repeats the same run
        #[arg(long, default_value = "300")]
        seeds: String,
        /// The first seed; use it to continue or to repeat an earlier run
        #[arg(long, default_value = "0")]
        from: String,
        /// Start no new seed after this many minutes
        #[arg(long, default_value = "1440")]
        minutes: String,
        /// Number of runs at the same time
        #[arg(long, default_value = "6")]
        lanes: String,
    },
    /// Check formatting, lints, documentation, licenses and sources of dependencies, layers, journeys, guards, secrets,
    /// frozen vectors, words, links, the README and private names
    Check {
        /// Run only the checks whose name contains this
        #[arg(default_value = "")]
        only: String,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo { unattended } => demo::run(unattended),
        Command::Test => test::run(),
        Command::Bench { short } => bench::run_all(short),
        Command::Fuzz { minutes, target } => fuzz::run(minutes, target.as_deref()),
        Command::Guards { only } => guards::run(&only),
        Command::Mutants { part, shard } => mutants::run(part.as_deref(), shard.as_deref()),
        Command::Torture { seeds, from, minutes, lanes } => {
            torture::run(&[("--seeds", &seeds), ("--from", &from), ("--minutes", &minutes), ("--lanes", &lanes)])
        }
        Command::Check { only } => check::run(&only),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::say(&format!("xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}
