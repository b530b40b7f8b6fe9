//! Kills: a phone's process is ended by SIGKILL in each stored step of each act, another one goes on, and both sides
//! are compared. Beside it the network is cut, slowed and doubled, the relay loses and reorders, and the process that
//! goes on is killed again.
//!
//! | module | what it decides |
//! | --- | --- |
//! | `plan`, `random` | what a seed chooses |
//! | `orders`, `phone`, `process` | the phone as a process of its own: what it is told, what it is, how it is held |
//! | `life`, `adding`, `answering`, `changing` | what a person does, and goes on with after a kill |
//! | `wire` | what the network does, and what may never be seen on it |
//! | `ends` | what must be true on both sides when everything has come to rest |
//! | `tally` | the counts |
//!
//! Nothing here retries what the core must do by itself: a person opens the app again, looks at it, and does what it
//! shows.

mod adding;
mod answering;
mod changing;
mod ends;
mod life;
pub mod orders;
pub mod phone;
pub mod plan;
mod process;
mod random;
pub mod tally;
pub mod wire;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::middleware;
use countersign_journeys::{Trouble, World};
use tempfile::TempDir;

use life::Life;
use plan::Plan;
use tally::{Planned, Tally};
use wire::Wire;

/// What may not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something is not there any more.
    #[error("LOST: {0}")]
    Lost(String),
    /// Something took effect twice.
    #[error("DOUBLED: {0}")]
    Doubled(String),
    /// Something does not come to its end.
    #[error("STUCK: {0}")]
    Stuck(String),
    /// Something else is not as it must be.
    #[error("BROKEN: {0}")]
    Broken(String),
}

impl Fault {
    pub(crate) fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}

/// A service, a relay and a network for one life after another.
pub struct Stage {
    world: World,
    wire: Wire,
    folder: TempDir,
    ca: PathBuf,
    program: PathBuf,
}

impl Stage {
    /// Sets it up; `program` is started with `phone` as its first word for each phone.
    ///
    /// # Errors
    /// When a socket or a file can't be had.
    pub async fn set_up(program: &Path) -> Result<Self, Trouble> {
        let wire = Wire::default();
        let layer = middleware::from_fn_with_state(wire.clone(), wire::layer);
        let world = World::start_behind(|router| router.layer(layer)).await?;
        world.add_person(life::ADMINISTRATOR, countersign_journeys::people::PASSWORD)?;
        let folder = tempfile::tempdir()?;
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, world.ca())?;
        Ok(Self { world, wire, folder, ca, program: program.to_owned() })
    }

    /// Lives what a seed has planned.
    pub async fn live(&self, seed: u64, weather: Weather) -> Tally {
        let mut tally = Tally { seeds: 1, ..Tally::default() };
        let Some(plan) = Plan::of(seed) else {
            return tally;
        };
        let plan = match weather {
            Weather::Planned => plan,
            Weather::Calm => plan.calm(),
            Weather::Doubled => {
                self.wire.double_all();
                plan.calm()
            }
        };
        let mut life = match Life::begin(self, seed) {
            Ok(life) => life,
            Err(fault) => {
                tally.fail(seed, None, &fault);
                return tally;
            }
        };
        let mut told = None;
        for round in &plan.rounds {
            if let Err(fault) = life.lives(round).await {
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

    /// Ends service and relay.
    pub async fn strike(self) {
        self.world.stop().await;
    }
}

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
            let tally = stage.live(seed, run.weather).await;
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
