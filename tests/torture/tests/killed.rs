//! Kills a phone's process by SIGKILL at each stored point, lets another process continue, and compares phone and
//! service (`src/lib.rs`).
//!
//! For every act except `Act::Mute`, these tests together kill a process once before and once after each of its
//! stored points (each is a *place*). Each pair of an act and a place has its own seed (the plan of one life). On a
//! slow machine, the time limit leaves out some of these seeds. At least one seed for each place has no time limit, so
//! no place is left out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first error")]

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use countersign_torture::plan::{Act, first_cycle, targets};
use countersign_torture::tally::{Tally, places};
use countersign_torture::{Conditions, Run, run};

/// The time limit per test for the seeds that may be left out. All tests together take three minutes on two idle cores.
const AT_MOST: Duration = Duration::from_secs(45);
/// How many lives (simulated phones, see `src/lib.rs`) run in parallel. A life uses little CPU time.
const LANES: usize = 3;

async fn killed_in(acts: &[Act]) {
    let (needed, further) = first_cycle(acts);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_torture"));
    let started = Instant::now();
    let whole = Run { program, at_most: Duration::MAX, lanes: LANES, stops: true, conditions: Conditions::Planned };
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
    assert_eq!(missed(&tally, &needed), Vec::<String>::new(), "the process was not killed at these planned places");
}

fn missed(tally: &Tally, needed: &[u64]) -> Vec<String> {
    let all = targets();
    let planned = needed.iter().filter_map(|seed| all.get(usize::try_from(*seed).ok()?));
    planned.filter(|(_, place)| !tally.killed.contains_key(place)).map(|target| format!("{target:?}")).collect()
}

/// Writes directly to standard output, which libtest does not capture, so that the log shows how much was done.
fn say(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}

/// Runs one life for each of these acts, under these conditions and without kills.
async fn lived(acts: &[Act], conditions: Conditions) {
    let seeds: Vec<u64> = acts.iter().filter_map(|act| first_of(*act)).collect();
    assert_eq!(seeds.len(), acts.len());
    let program = PathBuf::from(env!("CARGO_BIN_EXE_torture"));
    let whole = Run { program, at_most: Duration::MAX, lanes: LANES, stops: true, conditions };
    let (tally, _all) = run(&whole, &seeds, |_so_far| {}).await.unwrap();
    assert!(tally.is_clean(), "{tally}");
}

fn first_of(act: Act) -> Option<u64> {
    let (needed, further) = first_cycle(&[act]);
    needed.first().or(further.first()).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_delivered_twice_takes_effect_once() {
    lived(&[Act::BySigningIn, Act::SecondFactor, Act::Report, Act::TurnOff], Conditions::Doubled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_not_sent_twice_at_the_same_time() {
    lived(&[Act::SecondFactorBusy], Conditions::Calm).await;
}

#[test]
fn the_plan_kills_before_and_after_every_stored_point() {
    let planned: Vec<_> = targets().into_iter().map(|(_, place)| place).collect();
    let never: Vec<_> = places().filter(|place| !planned.contains(place)).collect();
    assert!(never.is_empty(), "no plan kills a process at {never:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j2_w9_adding_and_abandoning_recover_from_kills_at_each_point() {
    killed_in(&[Act::ByCode, Act::Abandoned, Act::AbandonedOffline, Act::NotMyPhone]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_w12_turning_on_recovers_from_kills_at_each_point() {
    killed_in(&[Act::TurnOn, Act::TurnOnAbandoned]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_w4_adding_in_the_app_recovers_from_kills_at_each_point() {
    killed_in(&[Act::BySigningIn, Act::SigningInAbandoned]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_w16_phone_sign_in_recovers_from_kills_at_each_point() {
    killed_in(&[Act::PhoneSignIn]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j7_w11_answering_recovers_from_kills_at_each_point() {
    killed_in(&[Act::SecondFactor, Act::SecondFactorBusy, Act::Deny, Act::Withdrawn, Act::Report]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j8_w1_turning_off_recovers_from_kills_at_each_point() {
    killed_in(&[Act::TurnOff, Act::LockRemoved]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_changes_of_the_phone_recover_from_kills_at_each_point() {
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
async fn j11_a_lost_phone_recovers_from_kills_at_each_point() {
    killed_in(&[Act::Lost]).await;
}
