//! A report makes nothing more permissive: what somebody has taken stays taken, and what a reported change has made
//! stricter stays stricter, until an administrator decides.

use countersign_service::clock::{DAY, HOUR, Time};
use countersign_service::endings::Ending;
use countersign_service::operator;
use countersign_service::people::person::Person;
use countersign_service::policy::document::{Bootstrap, Mode, Policy, Target, TargetType};
use countersign_service::policy::records::{current, effective_for, is_full, keep, keep_by_token, reported};
use countersign_service::policy::rules::Effective;
use countersign_service::prompts::ceremony::Ceremony;
use countersign_service::prompts::change::Act;
use countersign_service::provenance::Given;
use serde_json::json;

use super::elsewhere::{INTRUDER, LOST, OWNER, acted, add, end, keep_policy, report, stored, with_bob};
use super::world::{NOW, OTHER, World};

fn report_of(world: &World, ceremony: &str) {
    let ceremony: Ceremony = world.store.global_blocking(|tx| tx.get(ceremony)).unwrap().unwrap();
    end(world, &Ending::Reported(Box::new(ceremony)));
}

fn lose(world: &World, since: Time) {
    end(world, &Ending::Lost { device: LOST.to_owned(), since, reported_in: None });
}

fn changed(world: &World, bob: &Person, change: impl Fn(&mut Person)) {
    world.store.global_blocking(|tx| tx.update(&bob.account_id, &change)).unwrap().granted().unwrap();
}

fn policy_of(world: &World, bob: &Person) -> Effective {
    let bob = stored(world, bob).unwrap();
    world.store.global_blocking(|tx| effective_for(tx, &bob)).unwrap()
}

/// An intruder takes the role and suspends the person, and gives both back, before the report.
#[test]
fn a_role_that_was_taken_stays_taken_after_the_report() {
    let (world, mut bob) = with_bob(OTHER);
    let account = || bob.account_id.clone();
    let role = acted(&world, "role", INTRUDER, Act::MakeAdministrator(account()));
    let resumed = acted(&world, "resumed", INTRUDER, Act::Resume(account()));
    bob.give_role(Given::by_operator(NOW));
    bob.remove_role();
    bob.give_role(role);
    bob.resume(resumed);
    add(&world, &bob);
    report(&world);
    let bob = stored(&world, &bob).unwrap();
    assert!(!bob.is_administrator && bob.suspended);
}

/// The finder of a phone gives back what the owner has taken, and reports the owner's approvals.
#[test]
fn what_a_finder_gives_back_and_reports_stays_taken() {
    for since in [Time::MIN, NOW - HOUR] {
        for finder_reports in [true, false] {
            let (world, mut bob) = with_bob(OTHER);
            let account = bob.account_id.clone();
            acted(&world, "removed", OWNER, Act::RemoveAdministrator(account.clone()));
            acted(&world, "suspended", OWNER, Act::Suspend(account.clone()));
            bob.resume(acted(&world, "resumed", LOST, Act::Resume(account.clone())));
            bob.give_role(acted(&world, "given back", LOST, Act::MakeAdministrator(account)));
            add(&world, &bob);
            if finder_reports {
                report_of(&world, "removed");
                report_of(&world, "suspended");
            }
            lose(&world, since);
            let bob = stored(&world, &bob).unwrap();
            assert!(!bob.is_administrator && bob.suspended);
        }
    }
}

#[test]
fn a_role_that_the_operator_confirms_stays() {
    for confirms in [false, true] {
        let (world, mut bob) = with_bob(OTHER);
        bob.give_role(acted(&world, "role", INTRUDER, Act::MakeAdministrator(bob.account_id.clone())));
        add(&world, &bob);
        if confirms {
            operator::set_administrator(&world.store, "bob", true, NOW).unwrap();
        }
        report(&world);
        assert_eq!(stored(&world, &bob).unwrap().is_administrator, confirms);
    }
}

/// A program with an API token of the operator sets the usual policy.
fn keep_by_program(world: &World) {
    let kept =
        world.store.global_blocking(|tx| keep_by_token(tx, Policy::usual(), Given::by_operator(NOW), "alice", NOW));
    kept.unwrap();
}

/// Sets a policy that requires a pass, and reports it. Returns what the lost phone gives when it changes the policy.
fn reported_policy(world: &World) -> Given {
    keep_policy(world, Bootstrap::Password, &Given::by_operator(NOW));
    keep_policy(world, Bootstrap::Pass, &acted(world, "strict", OWNER, Act::ChangePolicy(json!({}))));
    report_of(world, "strict");
    acted(world, "decided", LOST, Act::ChangePolicy(json!({})))
}

#[test]
fn a_reported_policy_applies_where_it_is_stricter() {
    let (world, bob) = with_bob(OTHER);
    add(&world, &bob);
    reported_policy(&world);
    let decided = decided_at(&world, NOW + 1);
    assert_eq!(world.store.global_blocking(current).unwrap().countersign.bootstrap, Bootstrap::Password);
    assert_eq!(world.store.global_blocking(reported).unwrap().len(), 1);
    assert_eq!(policy_of(&world, &bob).bootstrap, Bootstrap::Pass);
    keep_policy(&world, Bootstrap::Password, &decided);
    assert_eq!(policy_of(&world, &bob).bootstrap, Bootstrap::Password);
    lose(&world, NOW - HOUR);
    assert_eq!(policy_of(&world, &bob).bootstrap, Bootstrap::Pass);
}

/// The owner's stricter policy is reported after a finder has replaced it.
#[test]
fn a_policy_that_was_reported_after_it_was_replaced_applies_again() {
    let (world, bob) = with_bob(OTHER);
    add(&world, &bob);
    keep_policy(&world, Bootstrap::Password, &Given::by_operator(NOW));
    keep_policy(&world, Bootstrap::Pass, &acted(&world, "strict", OWNER, Act::ChangePolicy(json!({}))));
    keep_policy(&world, Bootstrap::Password, &acted(&world, "lax", LOST, Act::ChangePolicy(json!({}))));
    report_of(&world, "strict");
    lose(&world, NOW - HOUR);
    assert_eq!(policy_of(&world, &bob).bootstrap, Bootstrap::Pass);
}

#[test]
fn a_program_does_not_end_what_a_reported_policy_sets() {
    let (world, bob) = with_bob(OTHER);
    add(&world, &bob);
    reported_policy(&world);
    keep_by_program(&world);
    assert_eq!(policy_of(&world, &bob).bootstrap, Bootstrap::Pass);
}

#[test]
fn a_policy_by_a_program_falls_with_the_policy_that_it_has_changed() {
    let (world, bob) = with_bob(OTHER);
    add(&world, &bob);
    keep_policy(&world, Bootstrap::Pass, &Given::by_operator(NOW));
    keep_policy(&world, Bootstrap::Password, &acted(&world, "lax", LOST, Act::ChangePolicy(json!({}))));
    keep_by_program(&world);
    lose(&world, NOW - HOUR);
    assert_eq!(policy_of(&world, &bob).bootstrap, Bootstrap::Pass);
}

/// The same program changes the policy before and after an intruder. The first change is old.
#[test]
fn an_old_policy_of_a_program_applies_again_after_the_report() {
    for days in [0, 2, 20] {
        let (world, bob) = with_bob(OTHER);
        add(&world, &bob);
        let token = acted(&world, "token", OWNER, Act::ChangePolicy(json!({})));
        let by_token = |at: Time| token.clone().by_token(&world.account, &[], at);
        let keep_by_token = |bootstrap: Bootstrap, at: Time| {
            let mut policy = Policy::usual();
            policy.countersign.bootstrap = bootstrap;
            world.store.global_blocking(|tx| keep_by_token(tx, policy.clone(), by_token(at), "alice", at)).unwrap();
        };
        keep_by_token(Bootstrap::Pass, NOW - days * DAY);
        keep_policy(&world, Bootstrap::Password, &acted(&world, "lax", INTRUDER, Act::ChangePolicy(json!({}))));
        keep_by_token(Bootstrap::Password, NOW);
        report(&world);
        let applies = world.store.global_blocking(current).unwrap().countersign.bootstrap;
        assert_eq!(applies, Bootstrap::Pass, "{days} days");
    }
}

/// An administrator has approved a change before the report, and finishes it afterwards.
#[test]
fn a_policy_that_was_approved_before_a_report_does_not_end_it() {
    for later in [0, 1] {
        let (world, bob) = with_bob(OTHER);
        add(&world, &bob);
        let mut decided = reported_policy(&world);
        if later == 0 {
            assert_eq!(policy_of(&world, &bob).bootstrap, Bootstrap::Pass);
        } else {
            decided = decided_at(&world, NOW + 1);
        }
        keep_policy(&world, Bootstrap::Password, &decided);
        let expected = if later == 0 { Bootstrap::Pass } else { Bootstrap::Password };
        assert_eq!(policy_of(&world, &bob).bootstrap, expected);
    }
}

/// What the lost phone gives when it approves a change of the policy at this time.
fn decided_at(world: &World, at: Time) -> Given {
    acted(world, "decided later", LOST, Act::ChangePolicy(json!({})));
    let later = |ceremony: &mut Ceremony| {
        ceremony.decided_at = Some(at);
        ceremony.gives_as_administrator(at)
    };
    world.store.global_blocking(|tx| tx.update("decided later", later)).unwrap().granted().flatten().unwrap()
}

/// A policy that includes Bob only by the group `in`, and excludes the group `out`.
fn keep_groups(world: &World) {
    let mut policy = Policy::usual();
    policy.include_targets[0].id = "in".to_owned();
    policy.exclude_targets = vec![Target { target_type: TargetType::Group, id: "out".to_owned() }];
    world.store.global_blocking(|tx| keep(tx, policy.clone(), Given::by_operator(NOW), "", NOW)).unwrap();
}

fn member(bob: &Person, group: &str, joins: bool) -> Act {
    Act::Member { account: bob.account_id.clone(), group: group.to_owned(), joins }
}

#[test]
fn a_reported_change_of_a_group_applies_where_it_is_stricter() {
    for (group, joins, by, mode) in [
        ("in", true, INTRUDER, None),
        ("in", true, OWNER, Some(Mode::Any)),
        ("out", false, INTRUDER, None),
        ("out", false, OWNER, Some(Mode::Any)),
        ("in", false, INTRUDER, None),
        ("out", true, INTRUDER, None),
    ] {
        let (world, mut bob) = with_bob(OTHER);
        keep_groups(&world);
        let other = if group == "in" { None } else { Some("in") };
        bob.groups = other.into_iter().chain((!joins).then_some(group)).map(str::to_owned).collect();
        let given = acted(&world, "member", by, member(&bob, group, joins));
        if joins {
            bob.join(group, &given)
        } else {
            bob.leave(group, &given)
        }
        add(&world, &bob);
        report(&world);
        assert_eq!(policy_of(&world, &bob).mode, mode, "{group} {joins} {by}");
    }
}

/// After a report, an administrator decides. If this decision falls, the stricter membership applies again.
#[test]
fn a_decision_about_a_reported_group_counts_until_it_falls() {
    let (world, mut bob) = with_bob(OTHER);
    keep_groups(&world);
    bob.groups = vec!["in".to_owned()];
    bob.join("out", &acted(&world, "excluded", OWNER, member(&bob, "out", true)));
    add(&world, &bob);
    report_of(&world, "excluded");
    assert_eq!(policy_of(&world, &bob).mode, None);
    let decided = acted(&world, "decided", LOST, member(&bob, "out", false));
    changed(&world, &bob, |bob| bob.leave("out", &decided));
    assert_eq!(policy_of(&world, &bob).mode, Some(Mode::Any));
    lose(&world, NOW - HOUR);
    assert_eq!(policy_of(&world, &bob).mode, None);
    changed(&world, &bob, |bob| bob.leave("out", &Given::by_operator(NOW)));
    assert_eq!(policy_of(&world, &bob).mode, Some(Mode::Any));
}

#[test]
fn a_policy_is_not_changed_so_often_that_a_report_forgets_one() {
    let (world, bob) = with_bob(OTHER);
    add(&world, &bob);
    let policies: Vec<Given> = (0..100)
        .map(|n| {
            let given = acted(&world, &format!("policy {n}"), INTRUDER, Act::ChangePolicy(json!({})));
            Given::by_approval(given.approvals()[0].clone(), NOW)
        })
        .collect();
    let by = |n: usize| &policies[n];
    keep_policy(&world, Bootstrap::Pass, &Given::by_operator(NOW));
    let is_full = |given: &Given, now: Time| world.store.global_blocking(|tx| is_full(tx, given, now)).unwrap();
    for n in 0..99 {
        assert!(!is_full(by(n), NOW));
        keep_policy(&world, Bootstrap::Password, by(n));
    }
    assert!(is_full(by(99), NOW) && !is_full(&Given::by_operator(NOW), NOW));
    assert!(!is_full(by(99), NOW + 9 * DAY));
    report(&world);
    assert_eq!(world.store.global_blocking(current).unwrap().countersign.bootstrap, Bootstrap::Pass);
}
