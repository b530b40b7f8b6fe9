//! Killed by SIGKILL in each stored step, another process goes on, and both sides are compared (`src/lib.rs`).
//!
//! Together these go the first round of `cargo xtask torture`: every place of every act, each once. On a slow machine
//! the time ends some of it early; what has every point once on each side is never left out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use countersign_torture::plan::{Act, first_round, targets};
use countersign_torture::tally::{Tally, places};
use countersign_torture::{Run, Weather, run};

/// All of them together take three minutes on two idle cores.
const AT_MOST: Duration = Duration::from_secs(45);
/// Most of a life is waiting.
const LANES: usize = 3;

async fn killed_in(acts: &[Act]) {
    let (needed, further) = first_round(acts);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_torture"));
    let started = Instant::now();
    let whole = Run { program, at_most: Duration::MAX, lanes: LANES, stops: true, weather: Weather::Planned };
    let (mut tally, _all) = run(&whole, &needed, |_so_far| {}).await.unwrap();
    assert!(tally.is_clean(), "{tally}");
    let rest = Run { at_most: AT_MOST.saturating_sub(started.elapsed()), ..whole };
    tally.add(run(&rest, &further, |_so_far| {}).await.unwrap().0);
    say(&format!(
        "{acts:?}: {} of {} seeds, {} kills, {} s",
        tally.seeds,
        needed.len() + further.len(),
        tally.kills(),
        started.elapsed().as_secs()
    ));
    assert!(tally.is_clean(), "{tally}");
    assert_eq!(missed(&tally, &needed), Vec::<String>::new(), "planned, and never killed there");
}

fn missed(tally: &Tally, needed: &[u64]) -> Vec<String> {
    let all = targets();
    let planned = needed.iter().filter_map(|seed| all.get(usize::try_from(*seed).ok()?));
    planned.filter(|(_, place)| !tally.killed.contains_key(place)).map(|target| format!("{target:?}")).collect()
}

/// Past libtest's capture, so that the log says how much was done.
fn say(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}

/// One life about each of these acts, with no kill at all.
async fn lived(acts: &[Act], weather: Weather) {
    let seeds: Vec<u64> = acts.iter().filter_map(|act| first_of(*act)).collect();
    assert_eq!(seeds.len(), acts.len());
    let program = PathBuf::from(env!("CARGO_BIN_EXE_torture"));
    let whole = Run { program, at_most: Duration::MAX, lanes: LANES, stops: true, weather };
    let (tally, _all) = run(&whole, &seeds, |_so_far| {}).await.unwrap();
    assert!(tally.is_clean(), "{tally}");
}

fn first_of(act: Act) -> Option<u64> {
    let (needed, further) = first_round(&[act]);
    needed.first().or(further.first()).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_twice_takes_effect_once() {
    lived(&[Act::BySigningIn, Act::SecondFactor, Act::Report, Act::TurnOff], Weather::Doubled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_sent_is_not_sent_once_more_beside_it() {
    lived(&[Act::SecondFactorBusy], Weather::Calm).await;
}

#[test]
fn every_stored_step_is_killed_in_the_first_round_on_both_sides() {
    let planned: Vec<_> = targets().into_iter().map(|(_, place)| place).collect();
    let never: Vec<_> = places().filter(|place| !planned.contains(place)).collect();
    assert!(never.is_empty(), "no act is planned to be killed at {never:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w9_killed_in_each_step_of_adding_by_scanning_and_of_giving_it_up() {
    killed_in(&[Act::ByCode, Act::GivenUp, Act::GivenUpUnheard, Act::NotMyPhone]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w12_killed_in_each_step_of_turning_on_and_of_giving_it_up() {
    killed_in(&[Act::TurnOn, Act::TurnOnGivenUp]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_killed_in_each_step_of_adding_by_signing_in_and_of_giving_it_up() {
    killed_in(&[Act::BySigningIn, Act::SigningInGivenUp]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w16_killed_in_each_step_of_signing_in() {
    killed_in(&[Act::PhoneSignIn]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w11_killed_in_each_step_of_answering() {
    killed_in(&[Act::SecondFactor, Act::SecondFactorBusy, Act::Deny, Act::Withdrawn, Act::Report]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w1_killed_in_each_step_of_turning_off() {
    killed_in(&[Act::TurnOff, Act::LockRemoved]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_killed_in_each_step_while_the_phone_changes() {
    killed_in(&[
        Act::NewAddress,
        Act::AddressEnded,
        Act::Notices,
        Act::Garbage,
        Act::Remove,
        Act::KeysLost,
        Act::Restored,
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j11_killed_in_each_step_of_a_lost_phone_that_comes_back() {
    killed_in(&[Act::Lost]).await;
}
