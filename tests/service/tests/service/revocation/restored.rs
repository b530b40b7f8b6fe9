//! What a report restores: what held before the fallen changes, also if an intruder has made many of them.

use countersign_service::clock::{DAY, HOUR, Time};
use countersign_service::devices::device::State;
use countersign_service::effects::{administrator, approval, authority, suspend};
use countersign_service::endings::Ending;
use countersign_service::operator;
use countersign_service::people::person::Person;
use countersign_service::policy::document::Bootstrap;
use countersign_service::policy::records::{current, is_full};
use countersign_service::prompts::ceremony::{Ceremony, Kind, Owner};
use countersign_service::prompts::change::{Act, Change};
use countersign_service::provenance::Given;
use serde_json::json;

use super::elsewhere::{INTRUDER, LOST, OWNER, acted, add, end, keep_policy, report, stored, with_bob};
use super::world::{NOW, OTHER, World};

/// An intruder takes the role, or the person's access, and gives it back, before the report.
#[test]
fn what_an_intruder_took_and_gave_back_is_kept_after_the_report() {
    for times in [1, 2] {
        let (world, mut bob) = with_bob(OTHER);
        let account = || bob.account_id.clone();
        let removed = acted(&world, "removed", INTRUDER, Act::RemoveAdministrator(account()));
        let given = acted(&world, "given back", INTRUDER, Act::MakeAdministrator(account()));
        let suspended = acted(&world, "suspended", INTRUDER, Act::Suspend(account()));
        let resumed = acted(&world, "resumed", INTRUDER, Act::Resume(account()));
        bob.give_role(Given::by_operator(NOW));
        for _ in 0..times {
            bob.remove_role(removed.clone());
            bob.give_role(given.clone());
            bob.suspend(suspended.clone());
            bob.resume(resumed.clone());
        }
        add(&world, &bob);
        report(&world);
        let bob = stored(&world, &bob).unwrap();
        assert!(bob.is_administrator && !bob.suspended, "{times} times");
        assert_eq!(bob.administrator_by, Some(Given::by_operator(NOW)));
    }
}

#[test]
fn a_suspension_by_somebody_else_counts_after_the_report() {
    let (world, mut bob) = with_bob(OTHER);
    let account = || bob.account_id.clone();
    let suspended = acted(&world, "suspended", INTRUDER, Act::Suspend(account()));
    let resumed = acted(&world, "resumed", INTRUDER, Act::Resume(account()));
    bob.suspend(Given::by_operator(NOW));
    bob.resume(resumed.clone());
    bob.suspend(suspended);
    bob.resume(resumed);
    add(&world, &bob);
    report(&world);
    assert!(stored(&world, &bob).unwrap().suspended);
}

#[test]
fn what_has_fallen_is_not_restored_by_a_later_report() {
    let (world, mut bob) = with_bob(OTHER);
    let account = || bob.account_id.clone();
    let role = acted(&world, "role", INTRUDER, Act::MakeAdministrator(account()));
    let resumed = acted(&world, "resumed", INTRUDER, Act::Resume(account()));
    let second_role = acted(&world, "second role", LOST, Act::MakeAdministrator(account()));
    let resumed_again = acted(&world, "resumed again", LOST, Act::Resume(account()));
    bob.suspend(Given::by_operator(NOW));
    bob.resume(resumed);
    bob.give_role(role);
    add(&world, &bob);
    report(&world);
    assert!(stored(&world, &bob).unwrap().suspended);
    let again = |bob: &mut Person| {
        bob.give_role(second_role.clone());
        bob.resume(resumed_again.clone());
    };
    world.store.global_blocking(|tx| tx.update(&bob.account_id, again)).unwrap().granted().unwrap();
    end(&world, &Ending::Lost { device: LOST.to_owned(), since: Time::MIN, reported_in: None });
    let bob = stored(&world, &bob).unwrap();
    assert!(!bob.is_administrator && bob.suspended);
}

/// The finder of a phone gives back what the owner's approval on this phone had taken. If nobody knows since when the
/// phone was missing, it stays taken.
#[test]
fn what_the_owners_phone_took_is_not_given_back() {
    let (world, mut bob) = with_bob(OTHER);
    let bobs_account = bob.account_id.clone();
    let account = || bobs_account.clone();
    bob.give_role(Given::by_operator(NOW));
    bob.remove_role(acted(&world, "removed", LOST, Act::RemoveAdministrator(account())));
    bob.give_role(acted(&world, "given back", LOST, Act::MakeAdministrator(account())));
    bob.suspend(acted(&world, "suspended", LOST, Act::Suspend(account())));
    bob.resume(acted(&world, "resumed", LOST, Act::Resume(account())));
    add(&world, &bob);
    end(&world, &Ending::Lost { device: LOST.to_owned(), since: Time::MIN, reported_in: None });
    let bob = stored(&world, &bob).unwrap();
    assert!(!bob.is_administrator && bob.suspended);
}

/// As `what_the_owners_phone_took_is_not_given_back`, with another phone that the lost one had added.
#[test]
fn what_a_phone_of_the_owners_phone_took_is_not_given_back() {
    let (mut world, mut bob) = with_bob(OTHER);
    let bobs_account = bob.account_id.clone();
    let mut newest = world.device("newest", OTHER);
    newest.state = State::Active;
    newest.given = world.approved("adding", LOST, NOW - DAY, true).gives(NOW).unwrap();
    world.insert(&newest);
    bob.give_role(Given::by_operator(NOW));
    bob.remove_role(acted(&world, "removed", "newest", Act::RemoveAdministrator(bobs_account.clone())));
    bob.give_role(acted(&world, "given back", LOST, Act::MakeAdministrator(bobs_account.clone())));
    add(&world, &bob);
    end(&world, &Ending::Lost { device: LOST.to_owned(), since: Time::MIN, reported_in: None });
    assert!(!stored(&world, &bob).unwrap().is_administrator);
}

/// An intruder removes a role, the operator removes it too, and the intruder gives it back.
#[test]
fn what_the_operator_took_after_an_intruder_is_not_given_back() {
    for by_operator in [false, true] {
        let (world, mut bob) = with_bob(OTHER);
        let bobs_account = bob.account_id.clone();
        bob.give_role(Given::by_operator(NOW));
        bob.remove_role(acted(&world, "removed", INTRUDER, Act::RemoveAdministrator(bobs_account.clone())));
        add(&world, &bob);
        if by_operator {
            operator::set_administrator(&world.store, "bob", false, NOW).unwrap();
        }
        let given = acted(&world, "given back", INTRUDER, Act::MakeAdministrator(bobs_account.clone()));
        let give = |bob: &mut Person| bob.give_role(given.clone());
        world.store.global_blocking(|tx| tx.update(&bobs_account, give)).unwrap().granted().unwrap();
        report(&world);
        assert_eq!(stored(&world, &bob).unwrap().is_administrator, !by_operator);
    }
}

/// The finder of a phone gives a role back, and reports the owner's approval that took it. Then the phone is reported.
#[test]
fn what_a_finder_reports_is_not_given_back() {
    let (world, mut bob) = with_bob(OTHER);
    let bobs_account = bob.account_id.clone();
    bob.give_role(Given::by_operator(NOW));
    bob.remove_role(acted(&world, "removed", OWNER, Act::RemoveAdministrator(bobs_account.clone())));
    bob.give_role(acted(&world, "given back", LOST, Act::MakeAdministrator(bobs_account.clone())));
    add(&world, &bob);
    let removed: Ceremony = world.store.global_blocking(|tx| tx.get("removed")).unwrap().unwrap();
    end(&world, &Ending::Reported(Box::new(removed)));
    assert!(stored(&world, &bob).unwrap().is_administrator);
    end(&world, &Ending::Lost { device: LOST.to_owned(), since: NOW - HOUR, reported_in: None });
    assert!(!stored(&world, &bob).unwrap().is_administrator);
}

/// Returns whether the act, approved by a phone of Alice, may be made.
fn is_possible(world: &World, id: &str, act: Act) -> bool {
    let kind = Change::Administer(act.clone()).kind();
    acted(world, id, OWNER, act);
    let unspent = |ceremony: &mut Ceremony| (ceremony.kind, ceremony.redeemed) = (kind, false);
    world.store.global_blocking(|tx| tx.update(id, unspent)).unwrap().granted().unwrap();
    let possible = world.store.global_blocking(|tx| {
        let owner = Owner::Attempt("elsewhere".to_owned());
        let approval = approval::spend(tx, id, &owner, kind, NOW)?.unwrap();
        let authority = authority::by_approval(tx, approval)?.unwrap();
        match kind {
            Kind::ResumePerson | Kind::SuspendPerson => Ok(suspend::check(tx, authority, NOW)?.is_some()),
            _ => Ok(administrator::check(tx, authority, NOW)?.is_some()),
        }
    });
    possible.unwrap()
}

/// An intruder changes something so often that older changes would be forgotten.
#[test]
fn a_report_forgets_no_change_that_an_intruder_has_buried() {
    for buried in [false, true] {
        let (world, mut bob) = with_bob(OTHER);
        let bobs_account = bob.account_id.clone();
        let account = || bobs_account.clone();
        let removed = acted(&world, "removed", INTRUDER, Act::RemoveAdministrator(account()));
        let given = acted(&world, "given", INTRUDER, Act::MakeAdministrator(account()));
        let suspended = acted(&world, "suspended", INTRUDER, Act::Suspend(account()));
        let resumed = acted(&world, "resumed", INTRUDER, Act::Resume(account()));
        bob.suspend(Given::by_operator(NOW));
        for _ in 0..if buried { 50 } else { 49 } {
            bob.give_role(given.clone());
            bob.remove_role(removed.clone());
            bob.resume(resumed.clone());
            bob.suspend(suspended.clone());
        }
        add(&world, &bob);
        assert_eq!(is_possible(&world, "resume", Act::Resume(account())), !buried);
        let resume = |bob: &mut Person| bob.suspended = false;
        world.store.global_blocking(|tx| tx.update(&bob.account_id, resume)).unwrap().granted().unwrap();
        assert_eq!(is_possible(&world, "role", Act::MakeAdministrator(account())), !buried);
        assert!(is_possible(&world, "suspend", Act::Suspend(account())));
    }
}

#[test]
fn a_policy_is_not_changed_so_often_that_a_report_forgets_one() {
    let (world, _) = with_bob(OTHER);
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
