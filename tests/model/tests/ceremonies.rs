//! Explores each model completely, and checks that no state has a fault and that honest people can reach their goals.

#![allow(clippy::print_stdout, reason = "the counts are the result")]

use std::time::Instant;

use countersign_model::enrollment::Adding;
use countersign_model::origins::Origins;
use countersign_model::sign_in;
use countersign_model::step_up::StepUp;
use countersign_model::turning_on::TurningOn;
use stateright::{Checker, HasDiscoveries, Model};

/// Explores a model completely. The test fails if the model has fewer than `floor` states, because then a change has
/// probably made the model too small.
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
    assert!(unique >= floor, "{name}: the model has only {unique} states instead of {floor} or more");
}

#[test]
fn second_factor_models_have_no_fault() {
    for (model, floor) in sign_in::second_factor().into_iter().zip([1_350, 1_500, 750]) {
        check("second factor", model, floor);
    }
}

#[test]
fn phone_sign_in_models_have_no_fault() {
    for (model, floor) in sign_in::without_password().into_iter().zip([500, 1_200]) {
        check("without a password", model, floor);
    }
}

#[test]
fn step_up_model_has_no_fault() {
    check("step-up", StepUp::default(), 13_200);
}

#[test]
fn unknown_browsers_do_not_affect_other_origins() {
    check("origins", Origins, 550_000);
}

#[test]
fn enrollment_model_has_no_fault() {
    check("adding, the code is not seen", Adding::new(false), 11_000);
}

#[test]
fn enrollment_model_has_no_fault_if_an_attacker_saw_the_code() {
    check("adding, Mallory has seen the code", Adding::new(true), 5_000);
}

#[test]
fn turning_on_phone_sign_in_in_the_browser_has_no_fault() {
    check("turning on, in the browser", TurningOn::in_the_browser(), 3_400);
}

#[test]
fn turning_on_phone_sign_in_at_the_phone_has_no_fault() {
    for (model, floor) in TurningOn::at_the_phone().into_iter().zip([500, 110]) {
        check("turning on, at the phone", model, floor);
    }
}
