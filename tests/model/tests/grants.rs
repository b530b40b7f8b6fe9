//! Explores the scenes completely: adding a phone, passes, administrative acts and revocation.

#![allow(clippy::print_stdout, reason = "the counts are the result")]

use std::time::Instant;

use countersign_model::revocation::Revoking;
use countersign_model::scene::Scene;
use countersign_model::{adding, administration, passes, revocation};
use stateright::{Checker, HasDiscoveries, Model};

/// Explores a scene completely. The test fails if the scene has fewer than `floor` states.
fn check(name: &str, scene: Scene, floor: usize) {
    let started = Instant::now();
    let checker = scene.checker().finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    let (states, unique) = (checker.state_count(), checker.unique_state_count());
    println!("{name}: {unique} states, {states} reached, {} ms", started.elapsed().as_millis());
    checker.assert_properties();
    assert!(unique >= floor, "{name}: the model has only {unique} states instead of {floor} or more");
}

const HOW: [Revoking; 5] =
    [Revoking::Password, Revoking::Suspension, Revoking::Reset, Revoking::Loss, Revoking::Policy];

#[test]
fn first_phone_by_signing_in_has_no_fault() {
    check("first phone, by signing in", adding::first_by_signing_in(), 4_500);
}

#[test]
fn first_phone_by_the_wizard_has_no_fault() {
    check("first phone, by the wizard", adding::first_by_wizard(), 1_950);
}

#[test]
fn another_phone_by_signing_in_has_no_fault() {
    check("another phone, by signing in", adding::another_by_signing_in(), 1_050);
}

#[test]
fn another_phone_in_a_stolen_session_has_no_fault() {
    check("another phone, in a stolen session", adding::another_in_a_stolen_session(), 550);
}

#[test]
fn one_approval_adds_one_phone() {
    check("twice with one approval", adding::twice_with_one_approval(), 120);
}

#[test]
fn passes_of_the_operator_have_no_fault() {
    check("passes of the operator", passes::by_the_operator(), 2_800);
}

#[test]
fn pass_made_in_a_stolen_session_has_no_fault() {
    check("pass made in a stolen session", passes::in_a_stolen_session(), 45);
    check("pass, by signing in", passes::by_signing_in(), 180);
}

#[test]
fn administrators_role_has_no_fault() {
    check("role in a stolen session", administration::role_in_a_stolen_session(), 450);
    check("role by a phone", administration::role_by_a_phone(), 400);
}

#[test]
fn administrative_acts_have_no_fault() {
    check("suspension", administration::suspension(), 900);
    check("passes and policy", administration::passes_and_policy(), 700);
}

#[test]
fn revoking_from_a_password_thief_has_no_fault() {
    for (how, floor) in HOW.into_iter().zip([3_200, 830, 500, 540, 460]) {
        check(&format!("password thief, {how:?}"), revocation::of_a_password_thief(how), floor);
    }
}

#[test]
fn revoking_from_a_stolen_session_has_no_fault() {
    for (how, floor) in HOW.into_iter().zip([440, 220, 140, 140, 160]) {
        check(&format!("stolen session, {how:?}"), revocation::of_a_stolen_session(how), floor);
    }
}

#[test]
fn removal_and_loss_by_the_owner_have_no_fault() {
    check("removal and loss by the owner", revocation::by_the_owner(), 1_900);
}
