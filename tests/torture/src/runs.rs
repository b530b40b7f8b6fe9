//! Runs a life (the simulated history of one phone) for each seed. Lives start in the order of the seeds, and several
//! run in parallel.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use countersign_journeys::Trouble;

use crate::life::Life;
use crate::plan::Plan;
use crate::stage::Stage;
use crate::tally::{Planned, Tally};

/// Which faults a life is exposed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditions {
    /// The faults in the plan that is made from the life's seed.
    Planned,
    /// No faults. Used to find out which stored points each act passes.
    Calm,
    /// The service gets each request twice, except fetches of prompts. There are no other faults.
    Doubled,
}

/// The options of a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The program that is started for each phone.
    pub program: PathBuf,
    /// No new life begins when the run has lasted this long.
    pub at_most: Duration,
    /// How many lives run in parallel, each with its own service. A life uses little CPU time.
    pub lanes: usize,
    /// If true, no new life begins after a failure.
    pub stops: bool,
    /// The faults that the lives get.
    pub conditions: Conditions,
}

/// Runs a life for each seed. The lives start in the order of the seeds, and several run in parallel. Returns the
/// counts and the number of seeds that were started.
///
/// # Errors
/// When a service or relay can't be started.
pub async fn run(run: &Run, seeds: &[u64], progress: impl Fn(&Tally) + Send + Sync) -> Result<(Tally, usize), Trouble> {
    // At the end the harness opens the phones' key stores, so it must derive keys from passphrases with the same low
    // work factor as the phones' processes.
    countersign::testing::passphrases_are_cheap();
    let next = AtomicUsize::new(0);
    let (started, whole) = (Instant::now(), std::sync::Mutex::new(Tally::default()));
    let lane = async || -> Result<(), Trouble> {
        let stage = Stage::set_up(&run.program).await?;
        while started.elapsed() < run.at_most {
            let Some(seed) = seeds.get(next.fetch_add(1, Ordering::SeqCst)).copied() else {
                break;
            };
            let tally = live(&stage, seed, run.conditions).await;
            let mut whole = whole.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            whole.add(tally);
            progress(&whole);
            if run.stops && !whole.is_clean() {
                break;
            }
        }
        stage.stop().await;
        Ok(())
    };
    futures_util::future::try_join_all((0..run.lanes).map(|_lane| lane())).await?;
    let tally = whole.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    Ok((tally, next.load(Ordering::SeqCst).min(seeds.len())))
}

/// Runs the life of a seed.
async fn live(stage: &Stage, seed: u64, conditions: Conditions) -> Tally {
    let mut tally = Tally { seeds: 1, ..Tally::default() };
    let Some(plan) = Plan::of(seed) else {
        return tally;
    };
    let plan = match conditions {
        Conditions::Planned => plan,
        Conditions::Calm => plan.calm(),
        Conditions::Doubled => {
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
    let mut failed = None;
    for round in &plan.rounds {
        if let Err(fault) = life.run_round(round).await {
            failed = Some((Some(round.act), fault));
            break;
        }
    }
    if failed.is_none()
        && let Err(fault) = life.ends().await
    {
        failed = Some((None, fault));
    }
    let (home, mut counts) = life.over().await;
    if failed.is_none() && conditions == Conditions::Planned {
        let kills = u64::from(counts.killed.contains_key(&plan.target.1));
        counts.planned.insert(plan.target, Planned { lives: 1, kills });
    }
    if let Some((act, fault)) = failed {
        counts.fail(seed, act, &fault);
    } else {
        // The folder of a failed life is kept until `stage`, which owns it, is dropped.
        let _gone = std::fs::remove_dir_all(home);
    }
    tally.add(counts);
    tally
}
