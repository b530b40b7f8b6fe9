//! Seeds that are lived in order, several at once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use countersign_journeys::Trouble;

use crate::life::Life;
use crate::plan::Plan;
use crate::stage::Stage;
use crate::tally::{Planned, Tally};

/// What lives are exposed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// What their seeds have planned.
    Planned,
    /// Nothing: shows what each act passes.
    Calm,
    /// Nothing but that the service gets each request twice.
    Doubled,
}

/// How many seeds, and for how long.
#[derive(Debug, Clone)]
pub struct Run {
    /// The program that is started for each phone.
    pub program: PathBuf,
    /// No new life begins after this.
    pub at_most: Duration,
    /// Lives at once; each has a service of its own, and most of its time it waits.
    pub lanes: usize,
    /// No new life begins after something went wrong.
    pub stops: bool,
    /// What the lives are exposed to.
    pub weather: Weather,
}

/// Lives seeds in order, several at once; returns the counts, and how many of the seeds were lived.
///
/// # Errors
/// When a service can't be started.
pub async fn run(run: &Run, seeds: &[u64], progress: impl Fn(&Tally) + Send + Sync) -> Result<(Tally, usize), Trouble> {
    // As in the phones' processes, whose key stores are looked into at the end.
    countersign::testing::passphrases_are_cheap();
    let next = AtomicUsize::new(0);
    let (started, whole) = (Instant::now(), std::sync::Mutex::new(Tally::default()));
    let lane = async || -> Result<(), Trouble> {
        let stage = Stage::set_up(&run.program).await?;
        while started.elapsed() < run.at_most {
            let Some(seed) = seeds.get(next.fetch_add(1, Ordering::SeqCst)).copied() else {
                break;
            };
            let tally = live(&stage, seed, run.weather).await;
            let mut whole = whole.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            whole.add(tally);
            progress(&whole);
            if run.stops && !whole.is_clean() {
                break;
            }
        }
        stage.strike().await;
        Ok(())
    };
    futures_util::future::try_join_all((0..run.lanes).map(|_lane| lane())).await?;
    let tally = whole.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    Ok((tally, next.load(Ordering::SeqCst).min(seeds.len())))
}

/// Lives what a seed has planned.
async fn live(stage: &Stage, seed: u64, weather: Weather) -> Tally {
    let mut tally = Tally { seeds: 1, ..Tally::default() };
    let Some(plan) = Plan::of(seed) else {
        return tally;
    };
    let plan = match weather {
        Weather::Planned => plan,
        Weather::Calm => plan.calm(),
        Weather::Doubled => {
            stage.wire.double_all();
            plan.calm()
        }
    };
    let mut life = match Life::begin(stage, seed) {
        Ok(life) => life,
        Err(fault) => {
            tally.fail(seed, None, &fault);
            return tally;
        }
    };
    let mut told = None;
    for round in &plan.rounds {
        if let Err(fault) = life.run_round(round).await {
            told = Some((Some(round.act), fault));
            break;
        }
    }
    if told.is_none()
        && let Err(fault) = life.ends().await
    {
        told = Some((None, fault));
    }
    let (home, mut counts) = life.over().await;
    if told.is_none() && weather == Weather::Planned {
        let kills = u64::from(counts.killed.contains_key(&plan.target.1));
        counts.planned.insert(plan.target, Planned { lives: 1, kills });
    }
    if let Some((act, fault)) = told {
        counts.fail(seed, act, &fault);
    } else {
        // A failed one stays for whoever looks for the reason, as long as this stage.
        let _gone = std::fs::remove_dir_all(home);
    }
    tally.add(counts);
    tally
}
