//! `cargo xtask`: one door for people and CI.
//!
//! | module | what it does |
//! | --- | --- |
//! | `demo` | the main job, from nothing to signed in |
//! | `test` | every test, counted together |
//! | `bench` | figures, measured in one run |
//! | `check` | what must hold before anything is merged |
//! | `fuzz` | every reader of outside input, for as long as one wants |
//! | `guards` | each guard, taken out once, makes its test fail |
//! | `mutants` | each decision changed a little makes some test fail |
//! | `torture` | the phone killed wherever it stores something |
//! | `journeys` | every listed journey has its test |
//! | `layers` | the files of a crate import each other in one direction only |
//! | `secrets` | secrets are opened with a reason, logs have known fields |
//! | `vectors` | what is frozen of version 1 is as it was |
//! | `bindings`, `world` | what Kotlin and Swift tests run: the library with its generated code, the service |
//! | `kotlin`, `swift`, `python` | the tests in these languages |
//! | `set_up`, `tools` | what all parts need together, what each part needs and how it is had |

mod bench;
mod bindings;
mod check;
mod count;
mod demo;
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
mod vectors;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    about = "Countersign's one door: the demonstration, the tests, the checks",
    after_help = "Each command sets up what it needs by itself. On Debian, as root, it installs packages; elsewhere it \
                  says what is missing."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add an account by scanning and approve a sign-in: service, relay, phone and a real browser on this machine
    Demo {
        /// Nobody clicks: a headless browser and the phone do it all, and leave pictures in target/demo
        #[arg(long)]
        unattended: bool,
    },
    /// Run every test and end with one line: N passed, N failed, N skipped
    Test,
    /// Figures of this machine, in target/bench.json
    Bench,
    /// Fuzz the readers of outside input: coverage-guided with a nightly compiler, else by seed
    Fuzz {
        /// For so long in all
        #[arg(long, value_name = "N")]
        minutes: u64,
        /// Only this target
        target: Option<String>,
    },
    /// Take each marked guard out of a copy and see its tests fail; takes an hour
    Guards {
        /// Only those whose name contains this
        #[arg(default_value = "")]
        only: String,
    },
    /// Change each decision of core and service a little and see some test fail; takes hours
    Mutants {
        /// Only this part
        #[arg(value_parser = mutants::PARTS)]
        part: Option<String>,
        /// One piece of the run, as 0/8
        #[arg(long)]
        shard: Option<String>,
    },
    /// Kill the phone in each stored step, with a bad network, and compare both sides; a long run is --seeds 10000
    Torture {
        /// How many seeds; each repeats itself by its number
        #[arg(long, default_value = "300")]
        seeds: String,
        /// The first seed: where an earlier run stopped, or the one to repeat
        #[arg(long, default_value = "0")]
        from: String,
        /// Nothing new begins after so many minutes
        #[arg(long, default_value = "1440")]
        minutes: String,
        /// Lives at once
        #[arg(long, default_value = "6")]
        lanes: String,
    },
    /// Formatting, lints, documentation, licences and sources of dependencies, layers, journeys, guards, secrets,
    /// frozen vectors, private paths
    Check {
        /// Only the checks whose name contains this
        #[arg(default_value = "")]
        only: String,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo { unattended } => demo::run(unattended),
        Command::Test => test::run(),
        Command::Bench => bench::run_all(),
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
