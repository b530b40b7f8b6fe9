//! Each model, to its end: no state breaks a promise, and what honest people want can happen.

#![allow(clippy::print_stdout, reason = "the counts are what a reader wants to see")]

use std::time::Instant;

use countersign_model::enrollment::Adding;
use countersign_model::origins::Origins;
use countersign_model::sign_in;
use countersign_model::step_up::StepUp;
use countersign_model::turning_on::TurningOn;
use stateright::{Checker, HasDiscoveries, Model};

/// Runs a model to its end; `floor` is what it had at least when it was written, so that it does not shrink unseen.
fn check<M>(name: &str, model: M, floor: usize)
where
    M: Model + Send + Sync + 'static,
    M::State: std::fmt::Debug + std::hash::Hash + Send + Sync + 'static + Clone + PartialEq,
    M::Action: std::fmt::Debug + Send + Sync + Clone + PartialEq,
{
    let started = Instant::now();
    let checker = model.checker().finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    let (states, unique) = (checker.state_count(), checker.unique_state_count());
    println!("{name}: {unique} states, {states} reached, {} s", started.elapsed().as_secs());
    checker.assert_properties();
    assert!(unique >= floor, "{name}: only {unique} states");
}

#[test]
fn the_second_factor() {
    for (model, floor) in sign_in::second_factor().into_iter().zip([1_300, 1_500, 700]) {
        check("second factor", model, floor);
    }
}

#[test]
fn signing_in_without_a_password() {
    for (model, floor) in sign_in::without_password().into_iter().zip([500, 1_200]) {
        check("without a password", model, floor);
    }
}

#[test]
fn changes_of_an_account() {
    check("step-up", StepUp::default(), 13_000);
}

#[test]
fn unknown_browsers_touch_no_other() {
    check("origins", Origins, 550_000);
}

#[test]
fn adding_a_phone() {
    check("adding, the code is seen by nobody else", Adding::new(false), 11_000);
}

#[test]
fn adding_a_phone_while_somebody_looks_on() {
    check("adding, Mallory has seen the code", Adding::new(true), 5_000);
}

#[test]
fn turning_phone_sign_in_on_in_the_browser() {
    check("turning on, in the browser", TurningOn::in_the_browser(), 1_600);
}

#[test]
fn turning_phone_sign_in_on_at_the_phone() {
    for (model, floor) in TurningOn::at_the_phone().into_iter().zip([1_000, 240]) {
        check("turning on, at the phone", model, floor);
    }
}
