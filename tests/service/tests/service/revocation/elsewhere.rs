//! What a revocation in one account ends in other accounts.

use countersign_service::clock::{DAY, HOUR, Time};
use countersign_service::devices::device::Cause;
use countersign_service::effects::{administrator, api_token, approval, authority, policy};
use countersign_service::endings::{self, Ending};
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::people::records as people;
use countersign_service::policy::document::{Bootstrap, Policy, TokenScope};
use countersign_service::policy::records::{ApiToken, current, keep};
use countersign_service::prompts::ceremony::{Ceremony, Kind, Owner};
use countersign_service::prompts::change::{Act, Change};
use countersign_service::provenance::{ApprovedBy, Given};
use countersign_service::sign_in::attempt::{Attempt, Proven};
use countersign_service::sign_in::session::{Session, Used};
use serde_json::json;

use super::world::{NOW, OTHER, REPORTED, World};

/// A phone that the reported approval has added, and one that it has not.
pub(super) const INTRUDER: &str = "new phone";
pub(super) const OWNER: &str = "other phone";
pub(super) const LOST: &str = "lost phone";

/// Bob, another person of the organization.
pub(super) fn with_bob(role: super::world::By) -> (World, Person) {
    let world = World::new(role);
    let mut bob = Person::new("bob", "Bob", "a password", NOW - DAY).unwrap();
    bob.unblocked_at = NOW;
    (world, bob)
}

pub(super) fn add(world: &World, person: &Person) {
    assert!(world.store.global_blocking(|tx| people::add(tx, person)).unwrap());
}

/// Stores an act that a phone of the world's account has approved, and returns what it gives.
pub(super) fn acted(world: &World, id: &str, phone: &str, act: Act) -> Given {
    let alice: Person = world.store.global_blocking(|tx| tx.get(&world.account)).unwrap().unwrap();
    let change = Some(Change::Administer(act));
    let ceremony = Ceremony { change, standing: alice.standing(), ..world.approved(id, phone, NOW, true) };
    world.insert(&ceremony);
    ceremony.gives_as_administrator(NOW).unwrap()
}

pub(super) fn end(world: &World, ending: &Ending) {
    let ended = world.store.global_blocking(|tx| endings::end(tx, &world.account, ending, NOW));
    let _ended = ended.unwrap();
}

pub(super) fn report(world: &World) {
    let ceremony = world.store.global_blocking(|tx| tx.get("reported approval")).unwrap().unwrap();
    end(world, &Ending::Reported(Box::new(ceremony)));
}

pub(super) fn stored(world: &World, bob: &Person) -> Option<Person> {
    world.store.global_blocking(|tx| tx.get(&bob.account_id)).unwrap()
}

fn pass(id: &str, bob: &Person, given: Given) -> Pass {
    let (id, account_id) = (id.to_owned(), bob.account_id.clone());
    Pass { id, account_id, starts_at: NOW, ends_at: NOW + HOUR, used_at: None, spent_at: None, given }
}

fn has_pass(world: &World, id: &str) -> bool {
    world.store.global_blocking(|tx| tx.get::<Pass>(id)).unwrap().is_some()
}

#[test]
fn a_report_takes_back_what_an_intruders_phone_did_as_administrator() {
    for (phone, falls) in [(INTRUDER, true), (OWNER, false)] {
        let (world, mut bob) = with_bob(OTHER);
        let account = || bob.account_id.clone();
        let role = acted(&world, "role", phone, Act::MakeAdministrator(account()));
        let unblocked = acted(&world, "unblocked", phone, Act::Unblock(account()));
        let given = acted(&world, "pass", phone, Act::MakePass(account()));
        bob.give_role(role);
        bob.set_unblocked(Some(unblocked), NOW);
        add(&world, &bob);
        world.insert(&pass("bobs pass", &bob, given));
        report(&world);
        let left = stored(&world, &bob).unwrap();
        assert_eq!(left.is_administrator, !falls, "{phone}");
        assert_eq!(left.unblocked_at, if falls { 0 } else { NOW }, "{phone}");
        assert_eq!(has_pass(&world, "bobs pass"), !falls, "{phone}");
    }
}

#[test]
fn a_person_added_or_resumed_by_a_fallen_approval_is_suspended() {
    for (phone, falls) in [(INTRUDER, true), (OWNER, false)] {
        let (world, mut bob) = with_bob(OTHER);
        let (user_name, display_name) = ("bob".to_owned(), "Bob".to_owned());
        bob.added_by = Some(acted(&world, "added", phone, Act::AddPerson { user_name, display_name }));
        add(&world, &bob);
        added(&world, &bob);
        report(&world);
        assert_eq!(stored(&world, &bob).unwrap().suspended, falls, "{phone}");
        let (world, mut bob) = with_bob(OTHER);
        bob.suspended = true;
        bob.resume(acted(&world, "resumed", phone, Act::Resume(bob.account_id.clone())));
        add(&world, &bob);
        report(&world);
        assert_eq!(stored(&world, &bob).unwrap().suspended, falls, "{phone}");
    }
}

/// Records that the act "added" has added this person.
fn added(world: &World, person: &Person) {
    let added = |ceremony: &mut Ceremony| ceremony.added = Some(person.account_id.clone());
    world.store.global_blocking(|tx| tx.update("added", added)).unwrap().granted().unwrap();
}

#[test]
fn a_policy_by_a_fallen_approval_is_replaced_by_the_policy_before_it() {
    for (phone, falls) in [(INTRUDER, true), (OWNER, false)] {
        let (world, _bob) = with_bob(OTHER);
        let given = acted(&world, "policy", phone, Act::ChangePolicy(json!({})));
        let strict = Policy { is_software_oath_enabled: false, ..Policy::usual() };
        let mut weak = strict.clone();
        weak.countersign.bootstrap = Bootstrap::Password;
        let store = |policy: &Policy, given: &Given| {
            world.store.global_blocking(|tx| keep(tx, policy.clone(), given.clone(), "", NOW)).unwrap();
        };
        store(&strict, &Given::by_operator(NOW));
        store(&weak, &given);
        store(&Policy { is_software_oath_enabled: true, ..weak.clone() }, &given);
        report(&world);
        let now = world.store.global_blocking(current).unwrap();
        assert_eq!(now == strict, falls, "{phone}");
    }
}

#[test]
fn acts_of_an_administrator_fall_with_the_role() {
    for (role, falls) in [(REPORTED, true), (OTHER, false)] {
        let (world, mut bob) = with_bob(role);
        bob.give_role(acted(&world, "role", OWNER, Act::MakeAdministrator(bob.account_id.clone())));
        add(&world, &bob);
        report(&world);
        assert_eq!(stored(&world, &bob).unwrap().is_administrator, !falls, "{role:?}");
    }
}

/// The role of Mallory, whom a reported approval has made an administrator, ends before the report.
#[test]
fn acts_of_a_former_administrator_fall_with_the_approval_that_gave_the_role() {
    for (phone, falls) in [(INTRUDER, true), (OWNER, false)] {
        let (world, mut bob) = with_bob(OTHER);
        let mut mallory = Person::new("mallory", "Mallory", "a password", NOW - DAY).unwrap();
        let role = acted(&world, "mallorys role", phone, Act::MakeAdministrator(mallory.account_id.clone()));
        mallory.give_role(role);
        let change = Some(Change::Administer(Act::MakeAdministrator(bob.account_id.clone())));
        let (account_id, standing) = (mallory.account_id.clone(), mallory.standing());
        let act = Ceremony { account_id, change, standing, ..world.approved("act", "mallorys phone", NOW, true) };
        world.insert(&act);
        bob.give_role(act.gives_as_administrator(NOW).unwrap());
        mallory.remove_role();
        add(&world, &bob);
        add(&world, &mallory);
        report(&world);
        assert_eq!(stored(&world, &bob).unwrap().is_administrator, !falls, "{phone}");
    }
}

#[test]
fn unspent_passes_of_a_former_administrator_end() {
    for (ending, falls) in [
        (Ending::NoLongerAdministrator, true),
        (Ending::Suspended, true),
        (Ending::Reset, true),
        (Ending::Deleted, true),
        (Ending::PasswordSet, true),
        (Ending::PasswordChanged, false),
        (Ending::Removed { device: OWNER.to_owned(), cause: Cause::RemovedByPerson }, false),
    ] {
        let (world, bob) = with_bob(OTHER);
        add(&world, &bob);
        let given = acted(&world, "pass", OWNER, Act::MakePass(bob.account_id.clone()));
        world.insert(&pass("bobs pass", &bob, given.clone()));
        world.insert(&Pass { used_at: Some(NOW), ..pass("bobs typed pass", &bob, given.clone()) });
        let (used_at, spent_at) = (Some(NOW), Some(NOW));
        world.insert(&Pass { used_at, spent_at, ..pass("bobs spent pass", &bob, given.clone()) });
        world.insert(&pass("operators pass", &bob, Given::by_operator(NOW)));
        insert_sessions(&world, &bob, &given);
        end(&world, &ending);
        assert_eq!([has_pass(&world, "bobs pass"), has_pass(&world, "bobs typed pass")], [!falls; 2], "{ending:?}");
        assert!(has_pass(&world, "bobs spent pass") && has_pass(&world, "operators pass"), "{ending:?}");
        let has_session = |id: &str| world.store.global_blocking(|tx| tx.get::<Session>(id)).unwrap().is_some();
        let left = ["by pass", "by pass and phone", "by the operators pass"].map(has_session);
        assert_eq!(left, [!falls, true, true], "{ending:?}");
        let attempt: Option<Attempt> = world.store.global_blocking(|tx| tx.get("attempt")).unwrap();
        assert_eq!(attempt.is_some(), !falls, "{ending:?}");
    }
}

/// Adds sessions and an attempt that a pass has started. A phone has approved in one of the sessions since.
fn insert_sessions(world: &World, bob: &Person, given: &Given) {
    let (account, by) = (|| bob.account_id.clone(), |given: &Given| Given::by_pass("bobs typed pass", given, NOW));
    let session = |id: &str, given: &Given| Session::new(id.to_owned(), account(), Used::Pass, by(given));
    world.insert(&session("by pass", given));
    let mut approved = session("by pass and phone", given);
    approved.approve(Given::by_operator(NOW));
    world.insert(&approved);
    world.insert(&session("by the operators pass", &Given::by_operator(NOW)));
    let proven = Some(Proven { account_id: account(), given: by(given) });
    world.insert(&Attempt { proven, ..Attempt::new("attempt".to_owned(), NOW) });
}

/// Returns whether the change of a role, approved by a phone of Alice, may be made.
fn is_possible(world: &World, id: &str, kind: Kind, act: Act) -> bool {
    acted(world, id, OWNER, act);
    let unspent = |ceremony: &mut Ceremony| (ceremony.kind, ceremony.redeemed) = (kind, false);
    world.store.global_blocking(|tx| tx.update(id, unspent)).unwrap().granted().unwrap();
    let possible = world.store.global_blocking(|tx| {
        let owner = Owner::Attempt("elsewhere".to_owned());
        let approval = approval::spend(tx, id, &owner, kind, NOW)?.unwrap();
        let authority = authority::by_approval(tx, approval)?.unwrap();
        Ok(administrator::check(tx, authority, NOW)?.is_some())
    });
    possible.unwrap()
}

#[test]
fn a_role_is_not_given_twice() {
    let (world, mut bob) = with_bob(OTHER);
    bob.give_role(acted(&world, "role", INTRUDER, Act::MakeAdministrator(bob.account_id.clone())));
    add(&world, &bob);
    assert!(!is_possible(&world, "again", Kind::MakeAdministrator, Act::MakeAdministrator(bob.account_id.clone())));
    report(&world);
    assert!(!stored(&world, &bob).unwrap().is_administrator);
}

#[test]
fn first_passwords_of_a_former_administrator_end() {
    for (must_change, ends) in [(true, true), (false, false)] {
        let (world, mut bob) = with_bob(OTHER);
        let (user_name, display_name) = ("bob".to_owned(), "Bob".to_owned());
        bob.added_by = Some(acted(&world, "added", OWNER, Act::AddPerson { user_name, display_name }));
        bob.must_change_password = must_change;
        add(&world, &bob);
        added(&world, &bob);
        end(&world, &Ending::NoLongerAdministrator);
        assert_eq!(stored(&world, &bob).unwrap().has_password("a password"), !ends);
    }
}

/// The first password was typed before it ended, and is compared again afterwards.
#[test]
fn a_password_that_has_ended_is_not_the_same() {
    let (_world, bob) = with_bob(OTHER);
    let mut ended = bob.clone();
    assert!(bob.has_same_password(&ended));
    ended.end_password(NOW);
    assert!(!bob.has_same_password(&ended));
}

/// Returns whether a loss report takes the role back that the lost phone gave Bob at `at`.
fn takes_back(at: Time, since: Time, own: bool, change: impl FnOnce(&mut Person)) -> bool {
    let (world, mut bob) = with_bob(OTHER);
    acted(&world, "role", LOST, Act::MakeAdministrator(bob.account_id.clone()));
    let earlier = |ceremony: &mut Ceremony| {
        ceremony.decided_at = Some(at);
        ceremony.gives_as_administrator(at)
    };
    let role = world.store.global_blocking(|tx| tx.update("role", earlier)).unwrap().granted().flatten();
    bob.give_role(role.unwrap());
    add(&world, &bob);
    let mut alice: Person = world.store.global_blocking(|tx| tx.get(&world.account)).unwrap().unwrap();
    change(&mut alice);
    let replace = |stored: &mut Person| *stored = alice.clone();
    world.store.global_blocking(|tx| tx.update(&world.account, replace)).unwrap().granted().unwrap();
    let reported_in = own.then(|| "other session".to_owned());
    end(&world, &Ending::Lost { device: LOST.to_owned(), since, reported_in });
    !stored(&world, &bob).unwrap().is_administrator
}

#[test]
fn old_administrative_acts_stay() {
    let unknown = Time::MIN;
    assert!(takes_back(NOW - 7 * DAY, unknown, true, |_alice| {}));
    assert!(!takes_back(NOW - 7 * DAY - 1, unknown, true, |_alice| {}));
    assert!(!takes_back(NOW - 8 * DAY, NOW - 20 * DAY, true, |_alice| {}));
    assert!(!takes_back(NOW - 2 * DAY, NOW - DAY, true, |_alice| {}));
    let former = |alice: &mut Person| alice.remove_role();
    assert!(takes_back(NOW - DAY, unknown, true, former));
    assert!(!takes_back(NOW - DAY - 1, NOW - 20 * DAY, true, former));
    assert!(takes_back(NOW - 2 * DAY, NOW - 20 * DAY, false, former));
}

#[test]
fn a_report_of_a_suspended_person_ends_nothing_in_other_accounts() {
    for suspended in [false, true] {
        let (world, mut bob) = with_bob(OTHER);
        bob.give_role(acted(&world, "role", INTRUDER, Act::MakeAdministrator(bob.account_id.clone())));
        add(&world, &bob);
        let suspend = |alice: &mut Person| alice.suspended = suspended;
        world.store.global_blocking(|tx| tx.update(&world.account, suspend)).unwrap().granted().unwrap();
        report(&world);
        assert_eq!(stored(&world, &bob).unwrap().is_administrator, suspended);
    }
}

pub(super) fn keep_policy(world: &World, bootstrap: Bootstrap, given: &Given) {
    let mut policy = Policy::usual();
    policy.countersign.bootstrap = bootstrap;
    world.store.global_blocking(|tx| keep(tx, policy.clone(), given.clone(), "alice", NOW)).unwrap();
}

/// An API token that a phone approved long ago changes the policy now.
#[test]
fn a_policy_by_an_old_token_falls_with_the_phone() {
    let world = World::new(OTHER);
    let before = acted(&world, "policy before", OWNER, Act::ChangePolicy(json!({})));
    keep_policy(&world, Bootstrap::Pass, &before);
    acted(&world, "token", LOST, Act::MakeApiToken { name: "A token".to_owned(), scope: TokenScope::ChangePolicy });
    let earlier = |ceremony: &mut Ceremony| {
        ceremony.decided_at = Some(NOW - 9 * DAY);
        ceremony.gives_as_administrator(NOW - 9 * DAY)
    };
    let given = world.store.global_blocking(|tx| tx.update("token", earlier)).unwrap().granted().flatten().unwrap();
    let token = ApiToken {
        id: "token".to_owned(),
        account_id: world.account.clone(),
        name: "A token".to_owned(),
        scope: TokenScope::ChangePolicy,
        expires_at: NOW + DAY,
        given,
    };
    world.insert(&token);
    let changed = world.store.global_blocking(|tx| {
        let access = api_token::access(tx, "token", NOW)?.unwrap();
        let change = json!({ "countersign": { "bootstrap": "password" } });
        policy::act(tx, policy::by_api_token(tx, &access, &change).unwrap(), NOW).map(|_changed| ())
    });
    changed.unwrap();
    end(&world, &Ending::Lost { device: LOST.to_owned(), since: NOW - 20 * DAY, reported_in: None });
    assert_eq!(world.store.global_blocking(current).unwrap().countersign.bootstrap, Bootstrap::Pass);
}

#[test]
fn administrative_acts_on_the_own_account_fall_at_any_age() {
    let world = World::new(OTHER);
    let account = || world.account.clone();
    let changed = |id: &str, act: Act| {
        acted(&world, id, LOST, act);
        let earlier = |ceremony: &mut Ceremony| {
            ceremony.decided_at = Some(NOW - 20 * DAY);
            ceremony.gives_as_administrator(NOW - 20 * DAY)
        };
        world.store.global_blocking(|tx| tx.update(id, earlier)).unwrap().granted().flatten().unwrap()
    };
    let own = changed("own pass", Act::MakePass(account()));
    let other = changed("pass", Act::MakePass("bob".to_owned()));
    let pass = |id: &str, given: Given| Pass {
        id: id.to_owned(),
        account_id: account(),
        starts_at: NOW,
        ends_at: NOW + HOUR,
        used_at: None,
        spent_at: None,
        given,
    };
    world.insert(&pass("own", own));
    world.insert(&pass("other", other));
    end(&world, &Ending::Lost { device: LOST.to_owned(), since: Time::MIN, reported_in: None });
    assert!(!has_pass(&world, "own") && has_pass(&world, "other"));
}

#[test]
fn a_policy_by_the_operators_token_falls_with_the_role() {
    for (phone, falls) in [(INTRUDER, true), (OWNER, false)] {
        let (world, mut bob) = with_bob(OTHER);
        bob.give_role(acted(&world, "role", phone, Act::MakeAdministrator(bob.account_id.clone())));
        add(&world, &bob);
        let token = ApiToken {
            id: "token".to_owned(),
            account_id: bob.account_id.clone(),
            name: "A token".to_owned(),
            scope: TokenScope::ChangePolicy,
            expires_at: NOW + DAY,
            given: Given::by_operator(NOW),
        };
        world.insert(&token);
        let changed = world.store.global_blocking(|tx| {
            let access = api_token::access(tx, "token", NOW)?.unwrap();
            let change = json!({ "countersign": { "bootstrap": "pass" } });
            policy::act(tx, policy::by_api_token(tx, &access, &change).unwrap(), NOW).map(|_changed| ())
        });
        changed.unwrap();
        report(&world);
        let restored = world.store.global_blocking(current).unwrap().countersign.bootstrap == Bootstrap::Password;
        assert_eq!(restored, falls, "{phone}");
    }
}

#[test]
fn a_repeated_report_takes_back_what_came_after_the_first() {
    let (world, mut bob) = with_bob(OTHER);
    report(&world);
    bob.give_role(acted(&world, "role", INTRUDER, Act::MakeAdministrator(bob.account_id.clone())));
    add(&world, &bob);
    report(&world);
    assert!(!stored(&world, &bob).unwrap().is_administrator);
}

/// Returns whether an approved act of Alice can still be made after a change of the record of Alice.
fn is_authorized(change: impl FnOnce(&mut Person)) -> bool {
    let (world, bob) = with_bob(OTHER);
    acted(&world, "act", OWNER, Act::Suspend(bob.account_id.clone()));
    let unspent = |ceremony: &mut Ceremony| (ceremony.kind, ceremony.redeemed) = (Kind::SuspendPerson, false);
    world.store.global_blocking(|tx| tx.update("act", unspent)).unwrap().granted().unwrap();
    let mut alice: Person = world.store.global_blocking(|tx| tx.get(&world.account)).unwrap().unwrap();
    change(&mut alice);
    let replace = |stored: &mut Person| *stored = alice.clone();
    world.store.global_blocking(|tx| tx.update(&world.account, replace)).unwrap().granted().unwrap();
    let owner = Owner::Attempt("elsewhere".to_owned());
    let authorized =
        world.store.global_blocking(|tx| match approval::spend(tx, "act", &owner, Kind::SuspendPerson, NOW)? {
            Some(approval) => Ok(authority::by_approval(tx, approval)?.is_some()),
            None => Ok(false),
        });
    authorized.unwrap()
}

#[test]
fn an_act_of_a_role_that_was_given_back_is_refused() {
    assert!(is_authorized(|_alice| {}));
    assert!(!is_authorized(|alice| alice.give_role(REPORTED.given())));
    assert!(!is_authorized(|alice| alice.remove_role()));
}

#[test]
fn each_administrator_of_a_chain_adds_two_approvals() {
    let mut standing = Vec::new();
    for n in 1..=100 {
        let by = |ceremony: &str| ApprovedBy {
            ceremony: format!("{ceremony} {n}"),
            device: format!("phone {n}"),
            at: NOW,
            administers: true,
            acted_at: None,
        };
        let given = |ceremony: &str| {
            Given::by_approval(by(ceremony), NOW).as_administrator(&format!("administrator {n}"), &standing)
        };
        let mut next = Person::new("next", "Next", "a password", NOW).unwrap();
        next.added_by = Some(given("added"));
        next.give_role(given("role"));
        standing = next.standing();
        assert_eq!(standing.len(), 2 * n);
    }
}
