//! Every revoking act and every kind of grant: what the act ends, compared with the table in `threats.md`, section "What a
//! revocation ends".

mod acts;
mod adding;
mod elsewhere;
mod first_phones;
mod restored;
mod table;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use countersign_service::audit::Entry;
use countersign_service::devices::device::{Device, State as DeviceState};
use countersign_service::endings::{self, Ended};
use countersign_service::enrollment::state::{Enrollment, State};
use countersign_service::grants::{Grant, Kind};
use countersign_service::openid::records::Token;
use countersign_service::openid::request::Code;
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::phone_sign_in::records::PhoneToken;
use countersign_service::phone_sign_in::registration::{Registration, RegistrationCode, RegistrationToken};
use countersign_service::policy::records::ApiToken;
use countersign_service::prompts::ceremony::Ceremony;
use countersign_service::prompts::change::Act;
use countersign_service::sign_in::attempt::Attempt;
use countersign_service::sign_in::records::KnownBrowser;
use countersign_service::sign_in::session::Session;
use countersign_service::store::Record;

use acts::{CASES, Case, act_of, administer};
use adding::PENDING;
use table::{Cell, KINDS, Table, column};
use world::{By, Instance, LATER, NOW, OTHER, REPORTED, World};

/// What gave the administrator's role. An account has only one role, so every case runs with each of these.
const ROLES: [By; 3] = [OTHER, REPORTED, LATER];

type Ids = BTreeSet<(Kind, String)>;

pub fn grants_of_account(grants: &[Grant]) -> Vec<(Kind, String)> {
    grants.iter().map(|grant| (grant.kind(), grant.id().to_owned())).collect()
}

fn ids(grants: Vec<(Kind, String)>) -> Ids {
    let count = grants.len();
    let ids: Ids = grants.into_iter().collect();
    assert_eq!(ids.len(), count, "a grant is listed twice");
    ids
}

fn end(world: &World, case: &Case) -> Ended {
    let ending = (case.ending)(world);
    world.store.global_blocking(|tx| endings::end(tx, &world.account, &ending, NOW)).unwrap()
}

/// Returns whether the table says that the act ends the grant.
fn must_end(table: &Table, case: &Case, world: &World, instance: &Instance) -> bool {
    match table.cell(case.act, instance.kind) {
        Cell::Ends => true,
        Cell::Kept => false,
        Cell::EndsIf(conditions, not) => {
            let is_true = |condition: &String| is_true(condition, table, case, world, instance);
            conditions.iter().any(is_true) && !not.as_ref().is_some_and(is_true)
        }
    }
}

fn is_true(condition: &str, table: &Table, case: &Case, world: &World, instance: &Instance) -> bool {
    let phones = instance.holders.iter().filter(|(kind, _)| *kind == Kind::Device).map(|(_, id)| *id);
    let mut phones = phones.chain((instance.kind == Kind::Device).then_some(instance.id));
    match condition {
        "given" => instance.roots.iter().any(|root| case.given.contains(root)),
        "held" => world.holders(instance).iter().any(|holder| must_end(table, case, world, holder)),
        "asking" => case.asking.contains(&instance.id),
        "named" => case.named.contains(&instance.id),
        "by password" => instance.by_password,
        "adding" => instance.adds,
        "turning on" => instance.turns_on && phones.any(|id| case.phone == Some(id)),
        "of this phone" => phones.any(|id| case.phone == Some(id)),
        "of another phone" => phones.any(|id| case.phone != Some(id)),
        "in the session of the act" => case.own_session == Some(instance.id),
        _ => panic!("the table has the condition `{condition}`"),
    }
}

impl World {
    fn holders(&self, instance: &Instance) -> Vec<&Instance> {
        let is_holder = |one: &&Instance| instance.holders.contains(&(one.kind, one.id));
        let holders: Vec<&Instance> = self.instances.iter().filter(is_holder).collect();
        assert_eq!(holders.len(), instance.holders.len(), "{instance:?}");
        holders
    }

    fn named(&self, ids: &[&str]) -> Ids {
        self.instances.iter().filter(|one| ids.contains(&one.id)).map(|one| self.id(one)).collect()
    }

    fn id(&self, instance: &Instance) -> (Kind, String) {
        (instance.kind, self.id_of(instance).to_owned())
    }
}

#[test]
fn table_has_one_row_for_each_act_and_one_column_for_each_kind() {
    let table = Table::of_the_document();
    assert_eq!(table.columns, KINDS.map(column));
    let world = World::new(OTHER);
    for case in &CASES {
        assert_eq!(act_of(&(case.ending)(&world)), case.act);
    }
    let acts: BTreeSet<&str> = CASES.iter().map(|case| case.act).collect();
    assert_eq!(table.rows.keys().map(String::as_str).collect::<BTreeSet<_>>(), acts);
}

#[test]
fn grants_of_an_account_are_listed_completely() {
    let world = World::new(OTHER);
    let listed = ids(world.grants());
    assert_eq!(listed, world.instances.iter().map(|instance| world.id(instance)).collect());
    for kind in KINDS {
        assert!(listed.iter().any(|(one, _)| *one == kind), "{kind:?}");
    }
    let other = world.store.global_blocking(|tx| countersign_service::grants::of(tx, "another account", NOW));
    assert_eq!(other.unwrap().len(), 0);
}

/// Returns the account after the act, once by `endings::end` and once by the effect of the service.
fn worlds_after(case: &Case, role: By) -> Vec<World> {
    let by_ending = World::new(role);
    let _ended = end(&by_ending, case);
    let by_effect = case.effect.map(|effect| {
        let world = World::new(role);
        effect(&world);
        world
    });
    [Some(by_ending), by_effect].into_iter().flatten().collect()
}

/// Compares each grant with the table, after each act. Returns for each cell of the table which results the grants have
/// shown: true if a grant has ended.
fn results(table: &Table) -> BTreeMap<(&'static str, Kind), BTreeSet<bool>> {
    let mut results: BTreeMap<_, BTreeSet<bool>> = BTreeMap::new();
    for (case, role) in CASES.iter().flat_map(|case| ROLES.map(|role| (case, role))) {
        for world in worlds_after(case, role) {
            let left = ids(world.grants());
            for instance in &world.instances {
                let (expected, ended) = (must_end(table, case, &world, instance), !left.contains(&world.id(instance)));
                let (act, kind) = (case.act, column(instance.kind));
                assert_eq!(ended, expected, "{act}: whether the {kind} `{}` ends", instance.id);
                results.entry((case.act, instance.kind)).or_default().insert(ended);
            }
        }
    }
    results
}

#[test]
fn every_act_ends_what_the_table_says() {
    let table = Table::of_the_document();
    let results = results(&table);
    for (act, kind) in CASES.iter().flat_map(|case| KINDS.map(|kind| (case.act, kind))) {
        let expected = match table.cell(act, kind) {
            Cell::Ends => BTreeSet::from([true]),
            Cell::Kept => BTreeSet::from([false]),
            Cell::EndsIf(..) => BTreeSet::from([false, true]),
        };
        assert_eq!(results[&(act, kind)], expected, "{act}, {}: no grant shows both results", column(kind));
    }
}

#[test]
fn ended_grants_are_exactly_those_that_are_listed_as_ended() {
    for case in &CASES {
        let world = World::new(REPORTED);
        let before = ids(world.grants());
        let ended = ids(end(&world, case).grants);
        let left = ids(world.grants());
        let gone: Ids = before.difference(&left).cloned().collect();
        assert_eq!(gone, ended, "{}", case.act);
        assert!(left.is_subset(&before), "{}: an act has given a grant", case.act);
    }
}

#[test]
fn ended_records_are_deleted_or_unusable() {
    for case in &CASES {
        let world = World::new(REPORTED);
        for (kind, id) in end(&world, case).grants {
            assert!(is_unusable(&world, kind, &id), "{}: {kind:?} `{id}` can still be used", case.act);
        }
    }
}

fn stored<R: Record>(world: &World, id: &str) -> Option<R> {
    world.store.global_blocking(|tx| tx.get(id)).unwrap()
}

fn is_unusable(world: &World, kind: Kind, id: &str) -> bool {
    match kind {
        Kind::Attempt => stored::<Attempt>(world, id).is_none(),
        Kind::Session => stored::<Session>(world, id).is_none(),
        Kind::KnownBrowser => stored::<KnownBrowser>(world, id).is_none_or(|browser| !browser.is_known(NOW)),
        Kind::Code => stored::<Code>(world, id).is_none(),
        Kind::Token => stored::<Token>(world, id).is_none(),
        Kind::Registration => stored::<Registration>(world, id).is_none(),
        Kind::RegistrationCode => stored::<RegistrationCode>(world, id).is_none(),
        Kind::RegistrationToken => stored::<RegistrationToken>(world, id).is_none(),
        Kind::PhoneToken => stored::<PhoneToken>(world, id).is_none(),
        Kind::Pass => stored::<Pass>(world, id).is_none(),
        Kind::ApiToken => stored::<ApiToken>(world, id).is_none(),
        Kind::Enrollment => {
            let enrollment: Enrollment = stored(world, id).unwrap();
            let pending = enrollment.device_id.map(|device| stored::<Device>(world, &device).unwrap().state);
            matches!(enrollment.state, State::Ended(_)) && pending.is_none_or(is_removed)
        }
        Kind::Device => stored::<Device>(world, id)
            .is_some_and(|device| is_removed(device.state) && device.sign_in.is_none() && device.push.is_none()),
        Kind::SignInKey => stored::<Device>(world, id).is_some_and(|device| device.sign_in.is_none()),
        Kind::Administrator => stored::<Person>(world, id)
            .is_none_or(|person| !person.is_administrator && person.administrator_by.is_none()),
        Kind::Ceremony => {
            let ceremony: Ceremony = stored(world, id).unwrap();
            !ceremony.is_live(NOW) && !ceremony.is_unspent_approval() && !ceremony.is_redeemable(NOW)
        }
    }
}

fn is_removed(state: DeviceState) -> bool {
    matches!(state, DeviceState::Removed(_))
}

#[test]
fn end_of_a_suspension_revives_nothing() {
    let world = World::new(OTHER);
    administer(&world, Act::Suspend);
    let suspended = ids(world.grants());
    administer(&world, Act::Resume);
    assert_eq!(ids(world.grants()), suspended);
    for kind in [Kind::Device, Kind::SignInKey, Kind::KnownBrowser, Kind::Administrator] {
        assert!(suspended.iter().any(|(one, _)| *one == kind), "{kind:?} was ended, not paused");
    }
}

fn audit_log(world: &World) -> Vec<(String, String)> {
    let entries = world.store.global_blocking(|tx| tx.children::<Entry>(&world.account)).unwrap();
    entries.into_iter().map(|entry| (entry.what, entry.about)).collect()
}

/// Returns the name of the audit entry of an ended grant.
fn entry_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Attempt => "attempt_ended",
        Kind::Session => "session_ended",
        Kind::KnownBrowser => "browser_forgotten",
        Kind::Code => "code_ended",
        Kind::Token => "token_ended",
        Kind::Registration | Kind::RegistrationCode | Kind::RegistrationToken => "registration_ended",
        Kind::PhoneToken => "phone_token_ended",
        Kind::Enrollment => "enrollment_ended",
        Kind::Device => "device_removed",
        Kind::SignInKey => "phone_sign_in_off",
        Kind::Pass => "pass_ended",
        Kind::Administrator => "administrator_ended",
        Kind::ApiToken => "api_token_ended",
        Kind::Ceremony => "ceremony_ended",
    }
}

#[test]
fn each_ended_grant_has_exactly_one_audit_entry() {
    for case in &CASES {
        let world = World::new(REPORTED);
        let ended = end(&world, case);
        let mut expected: Vec<(String, String)> =
            ended.grants.iter().map(|(kind, id)| (entry_of(*kind).to_owned(), id.clone())).collect();
        // A pending device is not a grant: it ends with its enrollment.
        if ended.grants.contains(&(Kind::Enrollment, "bound enrollment".to_owned())) {
            expected.push(("device_removed".to_owned(), PENDING.to_owned()));
        }
        let mut written = audit_log(&world);
        expected.sort();
        written.sort();
        assert_eq!(written, expected, "{}", case.act);
    }
}

#[test]
fn only_endings_writes_that_a_grant_has_ended() {
    let names: BTreeSet<&str> = KINDS.into_iter().map(entry_of).collect();
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.ends_with("src/endings.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let found = names.iter().find(|name| text.contains(&format!("\"{name}\"")));
            assert_eq!(found, None, "{}", path.display());
        }
    }
}
