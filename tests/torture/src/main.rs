//! Runs the lives of many seeds: one simulated phone for each seed. `cargo xtask torture` starts this program. The
//! program starts itself again as each phone's process.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use countersign_journeys::Trouble;
use countersign_torture::{Conditions, Run, phone};

/// In a run of at least this many seeds, a process must be killed at least `WANTED_IN_A_LONG_RUN` times at each place.
const LONG_RUN: u64 = 10_000;
const WANTED_IN_A_LONG_RUN: u64 = 20;

#[derive(Parser)]
#[command(about = "Kill a phone's process at each stored point, start another, and compare phone and service")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Number of seeds
    #[arg(long, default_value_t = 300)]
    seeds: u64,
    /// The first seed: the seed where an earlier run stopped, or the seed to repeat
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Start no new life (simulated phone) after this many minutes
    #[arg(long, default_value_t = 24 * 60)]
    minutes: u64,
    /// Lives that run in parallel
    #[arg(long, default_value_t = 6)]
    lanes: usize,
    /// Run without faults, and print which points each act passes
    #[arg(long)]
    calm: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run as a phone's process
    #[command(hide = true)]
    Phone(phone::Start),
}

#[tokio::main]
async fn main() -> Result<ExitCode, Trouble> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Phone(start)) => phone::run(start).await.map(|()| ExitCode::SUCCESS),
        None => harness(&cli).await,
    }
}

fn say(line: &str) {
    // If the output is closed, there is no place to report to.
    let _closed = writeln!(std::io::stdout(), "{line}");
}

async fn harness(cli: &Cli) -> Result<ExitCode, Trouble> {
    let run = Run {
        program: std::env::current_exe()?,
        at_most: Duration::from_secs(cli.minutes.saturating_mul(60)),
        lanes: cli.lanes,
        stops: false,
        conditions: if cli.calm { Conditions::Calm } else { Conditions::Planned },
    };
    let started = Instant::now();
    let seeds: Vec<u64> = (cli.from..cli.from.saturating_add(cli.seeds)).collect();
    let (tally, lived) = countersign_torture::run(&run, &seeds, |tally| {
        if tally.seeds.is_multiple_of(20) {
            say(&format!(
                "{:>6} s  {} seeds, {} kills, {} failures",
                started.elapsed().as_secs(),
                tally.seeds,
                tally.kills(),
                tally.failures.len()
            ));
        }
    })
    .await?;
    if cli.calm {
        for (act, points) in &tally.seen {
            let names: Vec<&str> = points.keys().map(String::as_str).collect();
            say(&format!("{act:?}: {}", names.join(" ")));
        }
    }
    say(&tally.to_string());
    let next = seeds.get(lived).copied().unwrap_or(cli.from.saturating_add(cli.seeds));
    say(&format!("{} s; to continue, use --from {next}", started.elapsed().as_secs()));
    let wanted = if tally.seeds >= LONG_RUN { WANTED_IN_A_LONG_RUN } else { 0 };
    let rare = tally.killed_less_than(wanted);
    for place in &rare {
        say(&format!(
            "Killed fewer than {wanted} times: {} ({})",
            place.point,
            if place.stored { "after" } else { "before" }
        ));
    }
    Ok(if tally.is_clean() && rare.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
