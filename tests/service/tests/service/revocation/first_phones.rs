//! What a revocation ends of first phones that a password has added in other accounts.

use countersign_service::clock::Time;
use countersign_service::devices::device::{Cause, Device, State};
use countersign_service::effects::add_method;
use countersign_service::endings::{self, Ending};
use countersign_service::people::person::Person;
use countersign_service::policy::document::{Bootstrap, Policy, Target, TargetType};
use countersign_service::policy::records::keep;
use countersign_service::prompts::ceremony::Ceremony;
use countersign_service::prompts::change::{Act, Change};
use countersign_service::provenance::{Given, Giver};
use serde_json::json;

use super::elsewhere::{INTRUDER, OWNER, acted, add, keep_policy, report, stored, with_bob};
use super::world::{NOW, OTHER, World};

/// Bob's password adds a phone, and Alice's phone is reported. Returns whether Bob's phone is still active.
fn keeps_phone(mut world: World, bob: &Person) -> bool {
    add(&world, bob);
    add_by_password(&mut world, bob);
    report(&world);
    world.store.global_blocking(|tx| tx.get::<Device>("bobs phone")).unwrap().unwrap().is_active()
}

fn add_by_password(world: &mut World, bob: &Person) {
    let by = Giver::Password(bob.password_changed_at);
    let mut device = world.device("bobs phone", OTHER);
    device.account_id.clone_from(&bob.account_id);
    let inserted = world.store.global_blocking(|tx| {
        let proof = add_method::check(tx, &bob.account_id, &by, NOW)?.unwrap();
        add_method::insert(tx, proof, device.clone(), NOW)
    });
    inserted.unwrap();
}

#[test]
fn phone_added_by_password_after_a_fallen_reset_falls() {
    for (phone, stays) in [(INTRUDER, false), (OWNER, true)] {
        let (world, mut bob) = with_bob(OTHER);
        bob.phones_removed_by = acted(&world, "reset", phone, Act::Reset(bob.account_id.clone())).approvals().to_vec();
        assert_eq!(keeps_phone(world, &bob), stays, "{phone}");
    }
}

#[test]
fn phone_added_by_password_after_a_fallen_end_of_a_suspension_falls() {
    for (phone, stays) in [(INTRUDER, false), (OWNER, true)] {
        let (world, mut bob) = with_bob(OTHER);
        bob.suspended = true;
        bob.resume(acted(&world, "resumed", phone, Act::Resume(bob.account_id.clone())));
        assert_eq!(keeps_phone(world, &bob), stays, "{phone}");
    }
}

#[test]
fn phone_added_by_password_under_a_fallen_policy_falls() {
    for (phone, before, stays) in
        [(INTRUDER, Bootstrap::Pass, false), (INTRUDER, Bootstrap::Password, true), (OWNER, Bootstrap::Pass, true)]
    {
        let (world, bob) = with_bob(OTHER);
        keep_policy(&world, before, &Given::by_operator(NOW));
        keep_policy(&world, Bootstrap::Password, &acted(&world, "policy", phone, Act::ChangePolicy(json!({}))));
        assert_eq!(keeps_phone(world, &bob), stays, "{phone} {before:?}");
    }
}

/// An honest change of a group does not hide the intruder's policy.
#[test]
fn phone_added_by_password_under_a_fallen_policy_falls_after_another_change_of_a_group() {
    let (world, mut bob) = with_bob(OTHER);
    let with = |bootstrap: Bootstrap| {
        let mut policy = Policy::usual();
        policy.countersign.bootstrap = bootstrap;
        policy.include_targets[0].id = "group".to_owned();
        policy
    };
    let keep_one = |policy: Policy, given: Given| {
        world.store.global_blocking(|tx| keep(tx, policy.clone(), given.clone(), "alice", NOW)).unwrap();
    };
    let (account, group) = (bob.account_id.clone(), "group".to_owned());
    bob.join("group", &acted(&world, "joined", OWNER, Act::Member { account, group, joins: true }));
    keep_one(with(Bootstrap::Pass), Given::by_operator(NOW));
    keep_one(with(Bootstrap::Password), acted(&world, "policy", INTRUDER, Act::ChangePolicy(json!({}))));
    assert!(!keeps_phone(world, &bob));
}

#[test]
fn phone_added_by_password_after_a_fallen_addition_to_a_group_falls() {
    for (phone, stays) in [(INTRUDER, false), (OWNER, true)] {
        let (world, mut bob) = with_bob(OTHER);
        let mut policy = Policy::usual();
        policy.include_targets[0].id = "group".to_owned();
        world.store.global_blocking(|tx| keep(tx, policy.clone(), Given::by_operator(NOW), "alice", NOW)).unwrap();
        let (account, group) = (bob.account_id.clone(), "group".to_owned());
        bob.join("group", &acted(&world, "joined", phone, Act::Member { account, group, joins: true }));
        assert_eq!(keeps_phone(world, &bob), stays, "{phone}");
    }
}

#[test]
fn phone_added_by_password_after_a_fallen_removal_from_an_excluded_group_falls() {
    for (phone, stays) in [(INTRUDER, false), (OWNER, true)] {
        let (world, mut bob) = with_bob(OTHER);
        let mut policy = Policy::usual();
        policy.exclude_targets = vec![Target { target_type: TargetType::Group, id: "group".to_owned() }];
        world.store.global_blocking(|tx| keep(tx, policy.clone(), Given::by_operator(NOW), "alice", NOW)).unwrap();
        bob.groups = vec!["group".to_owned()];
        let (account, group) = (bob.account_id.clone(), "group".to_owned());
        bob.leave("group", &acted(&world, "left", phone, Act::Member { account, group, joins: false }));
        assert_eq!(keeps_phone(world, &bob), stays, "{phone}");
    }
}

/// Each of two memberships is enough for the password, so none of them is needed alone.
#[test]
fn phone_added_by_password_after_two_fallen_additions_falls() {
    let (world, mut bob) = with_bob(OTHER);
    let mut policy = Policy::usual();
    policy.include_targets[0].id = "group".to_owned();
    policy.include_targets.push(policy.include_targets[0].clone());
    policy.include_targets[1].id = "other group".to_owned();
    world.store.global_blocking(|tx| keep(tx, policy.clone(), Given::by_operator(NOW), "alice", NOW)).unwrap();
    for group in ["group", "other group"] {
        let act = Act::Member { account: bob.account_id.clone(), group: group.to_owned(), joins: true };
        bob.join(group, &acted(&world, group, INTRUDER, act));
    }
    assert!(!keeps_phone(world, &bob));
}

/// The fallen policy was replaced twice, by changes that can't fall, before the report.
#[test]
fn phone_added_by_password_under_a_replaced_policy_falls() {
    let (mut world, bob) = with_bob(OTHER);
    keep_policy(&world, Bootstrap::Pass, &Given::by_operator(NOW));
    let given = acted(&world, "policy", INTRUDER, Act::ChangePolicy(json!({})));
    keep_policy(&world, Bootstrap::Password, &given);
    add(&world, &bob);
    add_by_password(&mut world, &bob);
    keep_policy(&world, Bootstrap::Pass, &Given::by_operator(NOW));
    keep_policy(&world, Bootstrap::Pass, &Given::by_operator(NOW));
    report(&world);
    assert!(!world.store.global_blocking(|tx| tx.get::<Device>("bobs phone")).unwrap().unwrap().is_active());
}

/// Bob, who is an administrator, is deleted after the phone that a policy has allowed has made another administrator.
#[test]
fn a_role_by_a_phone_of_a_deleted_person_falls_with_the_policy() {
    for deleted in [false, true] {
        let (mut world, bob) = with_bob(OTHER);
        keep_policy(&world, Bootstrap::Pass, &Given::by_operator(NOW));
        keep_policy(&world, Bootstrap::Password, &acted(&world, "policy", INTRUDER, Act::ChangePolicy(json!({}))));
        add(&world, &bob);
        add_by_password(&mut world, &bob);
        let mut carol = Person::new("carol", "Carol", "a password", NOW).unwrap();
        let act = Change::Administer(Act::MakeAdministrator(carol.account_id.clone()));
        let approved = world.approved("role", "bobs phone", NOW, true);
        let role = Ceremony { account_id: bob.account_id.clone(), change: Some(act), ..approved };
        world.insert(&role);
        carol.give_role(role.gives_as_administrator(NOW).unwrap());
        add(&world, &carol);
        if deleted {
            let ended = world.store.global_blocking(|tx| endings::end(tx, &bob.account_id, &Ending::Deleted, NOW));
            let _ended = ended.unwrap();
        }
        report(&world);
        assert!(!stored(&world, &carol).unwrap().is_administrator, "deleted: {deleted}");
    }
}

/// A report or a loss ends every phone of an account. If a fallen approval has added one of them, the intruder may
/// know the password.
#[test]
fn phone_after_fallen_phones_needs_a_pass() {
    for added_by_approval in [true, false] {
        let (mut world, bob) = with_bob(OTHER);
        add(&world, &bob);
        let given = match added_by_approval {
            true => acted(&world, "pass", INTRUDER, Act::MakePass(bob.account_id.clone())),
            false => Given::by_password(bob.password_changed_at, NOW),
        };
        let mut device = world.device("bobs phone", OTHER);
        (device.account_id, device.given, device.state) = (bob.account_id.clone(), given, State::Active);
        world.insert(&device);
        let lost = Ending::Lost { device: device.id.clone(), since: Time::MIN, reported_in: None };
        if added_by_approval {
            report(&world);
        } else {
            let ended = world.store.global_blocking(|tx| endings::end(tx, &bob.account_id, &lost, NOW));
            let _ended = ended.unwrap();
        }
        assert!(!world.store.global_blocking(|tx| tx.get::<Device>("bobs phone")).unwrap().unwrap().is_active());
        assert_eq!(stored(&world, &bob).unwrap().needs_pass, added_by_approval);
    }
}

/// An administrator has removed every phone of Bob before the report of the approval that had added one of them.
#[test]
fn phone_after_fallen_phones_that_were_removed_needs_a_pass() {
    let (mut world, bob) = with_bob(OTHER);
    add(&world, &bob);
    let mut device = world.device("bobs phone", OTHER);
    let given = acted(&world, "pass", INTRUDER, Act::MakePass(bob.account_id.clone()));
    device.account_id.clone_from(&bob.account_id);
    (device.given, device.state) = (given, State::Removed(Cause::RemovedByOperator));
    world.insert(&device);
    report(&world);
    assert!(stored(&world, &bob).unwrap().needs_pass);
}

/// The approval that had removed Bob's last phone has fallen, so the password must not add the next one.
#[test]
fn phone_after_a_fallen_removal_needs_a_pass() {
    let (world, mut bob) = with_bob(OTHER);
    bob.phones_removed_by = acted(&world, "reset", INTRUDER, Act::Reset(bob.account_id.clone())).approvals().to_vec();
    add(&world, &bob);
    report(&world);
    let bob = stored(&world, &bob).unwrap();
    assert!(bob.needs_pass && bob.phones_removed_by.iter().all(|approval| approval.device != INTRUDER));
}
