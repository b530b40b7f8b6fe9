//! Counts passed places, kills and failures.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};

use countersign::testing::{Point, Side};

use crate::fault::Fault;
use crate::orders::Place;
use crate::plan::Act;

/// How many kills were planned, and how many happened.
#[derive(Debug, Default, Clone, Copy)]
pub struct Planned {
    /// Number of lives (simulated phones) whose plan contains this kill, and that ended without a failure.
    pub lives: u64,
    /// Kills that happened. Some plans kill only when a place is passed for the second time, and a life may end before
    /// that.
    pub kills: u64,
}

/// Counts of one seed, or of many.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Seeds that were run.
    pub seeds: u64,
    /// How often each place was passed, kills included.
    pub passed: BTreeMap<Place, u64>,
    /// How often a process was killed at each place.
    pub killed: BTreeMap<Place, u64>,
    /// How often each act passes each point. Shows whether a point is missing in `Act::points` (`plan.rs`).
    pub seen: BTreeMap<Act, BTreeMap<String, u64>>,
    /// Kills that were planned at a place of an act, and how many of them happened.
    pub planned: BTreeMap<(Act, Place), Planned>,
    /// Failures where data or an effect is missing.
    pub lost: u64,
    /// Failures where an effect happened twice.
    pub doubled: u64,
    /// Failures where an act or a process did not end in time.
    pub stuck: u64,
    /// Other failures.
    pub broken: u64,
    /// The failures, each with the seed that repeats it.
    pub failures: Vec<String>,
}

impl Tally {
    /// Counts a failure of a seed.
    pub fn fail(&mut self, seed: u64, act: Option<Act>, fault: &Fault) {
        let counted = match fault {
            Fault::Lost(_) => &mut self.lost,
            Fault::Doubled(_) => &mut self.doubled,
            Fault::Stuck(_) => &mut self.stuck,
            Fault::Broken(_) => &mut self.broken,
        };
        *counted = counted.saturating_add(1);
        self.failures.push(format!("seed {seed}, {act:?}: {fault}"));
    }

    /// Adds other counts.
    pub fn add(&mut self, other: Self) {
        let sum = |to: &mut BTreeMap<Place, u64>, from: BTreeMap<Place, u64>| {
            for (place, count) in from {
                let counted = to.entry(place).or_default();
                *counted = counted.saturating_add(count);
            }
        };
        sum(&mut self.passed, other.passed);
        sum(&mut self.killed, other.killed);
        for (target, more) in other.planned {
            let counted = self.planned.entry(target).or_default();
            counted.lives = counted.lives.saturating_add(more.lives);
            counted.kills = counted.kills.saturating_add(more.kills);
        }
        for (act, points) in other.seen {
            for (point, count) in points {
                let counted = self.seen.entry(act).or_default().entry(point).or_default();
                *counted = counted.saturating_add(count);
            }
        }
        self.seeds = self.seeds.saturating_add(other.seeds);
        self.lost = self.lost.saturating_add(other.lost);
        self.doubled = self.doubled.saturating_add(other.doubled);
        self.stuck = self.stuck.saturating_add(other.stuck);
        self.broken = self.broken.saturating_add(other.broken);
        self.failures.extend(other.failures);
    }

    /// Whether there was no failure.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }

    /// The places at which fewer than `wanted` processes were killed.
    #[must_use]
    pub fn killed_less_than(&self, wanted: u64) -> Vec<Place> {
        places().filter(|place| self.killed.get(place).copied().unwrap_or(0) < wanted).collect()
    }

    /// The number of kills.
    #[must_use]
    pub fn kills(&self) -> u64 {
        self.killed.values().sum()
    }
}

/// Every place: each stored point, before and after the core stores.
pub fn places() -> impl Iterator<Item = Place> {
    Point::ALL.iter().flat_map(|point| [Side::Before, Side::After].map(|side| Place::at(*point, side)))
}

impl Display for Tally {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "{:<28} {:>16} {:>16}", "point", "reached", "killed there")?;
        writeln!(formatter, "{:<28} {:>8}{:>8} {:>8}{:>8}", "", "before", "after", "before", "after")?;
        for point in Point::ALL {
            let count =
                |counts: &BTreeMap<Place, u64>, side| counts.get(&Place::at(*point, side)).copied().unwrap_or(0);
            writeln!(
                formatter,
                "{:<28} {:>8}{:>8} {:>8}{:>8}",
                point.name(),
                count(&self.passed, Side::Before),
                count(&self.passed, Side::After),
                count(&self.killed, Side::Before),
                count(&self.killed, Side::After),
            )?;
        }
        for ((act, place), planned) in self.planned.iter().filter(|(_, planned)| planned.kills == 0) {
            let side = if place.stored { "after" } else { "before" };
            writeln!(
                formatter,
                "{act:?}: no process was killed at {} ({side}) in {} lives",
                place.point, planned.lives
            )?;
        }
        let (lives, kills) = self.planned.values().fold((0_u64, 0_u64), |(lives, kills), planned| {
            (lives.saturating_add(planned.lives), kills.saturating_add(planned.kills))
        });
        writeln!(formatter, "in {kills} of {lives} lives the process was killed at the planned place")?;
        for failure in &self.failures {
            writeln!(formatter, "{failure}")?;
        }
        write!(
            formatter,
            "{} seeds, {} kills: {} lost, {} doubled, {} stuck, {} broken",
            self.seeds,
            self.kills(),
            self.lost,
            self.doubled,
            self.stuck,
            self.broken
        )
    }
}
