//! Changes that a phone approves: step-up and administrative acts.

use countersign_service::people::person::Person;
use countersign_service::policy::document::TokenScope;
use countersign_service::policy::records::Group;
use countersign_service::prompts::ceremony::{Ceremony, Kind, Outcome, Owner};
use countersign_service::prompts::change::{Act, Change};
use countersign_service::provenance::{Given, Giver};
use countersign_service::sign_in::session::{Session, Used};
use serde_json::json;

use super::{Effect, Try, assert_done, assert_refused};
use crate::world::{Dump, World, changed, submit, text_of};

const OWN: &str = "POST /security-info/step-up/finish";
const ADMIN: &str = "POST /admin/approve/finish";

pub(super) const COVERED: &[(&str, Effect)] = &[
    (OWN, Effect::RemoveMethod),
    (OWN, Effect::ReportLost),
    (OWN, Effect::MakePass),
    (OWN, Effect::RaiseSession),
    (ADMIN, Effect::AddPerson),
    (ADMIN, Effect::Administrator),
    (ADMIN, Effect::ApiToken),
    (ADMIN, Effect::DeletePerson),
    (ADMIN, Effect::Groups),
    (ADMIN, Effect::MakePass),
    (ADMIN, Effect::Policy),
    (ADMIN, Effect::RaiseSession),
    (ADMIN, Effect::ReportLost),
    (ADMIN, Effect::Reset),
    (ADMIN, Effect::Suspend),
    (ADMIN, Effect::Unblock),
];

/// How an approval is not the proof that the change needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    Missing,
    NotAnswered,
    Denied,
    Reported,
    WrongNumber,
    EndedByAChange,
    OfAnotherKind,
    OfAnotherPerson,
    OfAnotherBrowser,
    Spent,
    Expired,
}

pub(super) const FLAWS: [Flaw; 11] = [
    Flaw::Missing,
    Flaw::NotAnswered,
    Flaw::Denied,
    Flaw::Reported,
    Flaw::WrongNumber,
    Flaw::EndedByAChange,
    Flaw::OfAnotherKind,
    Flaw::OfAnotherPerson,
    Flaw::OfAnotherBrowser,
    Flaw::Spent,
    Flaw::Expired,
];

impl Flaw {
    /// Returns the approval with this flaw, or `None` for no approval.
    pub(super) fn applied(self, world: &World, mut one: Ceremony) -> Option<Ceremony> {
        match self {
            Self::Missing => return None,
            Self::NotAnswered => (one.outcome, one.decided_at, one.decided_by) = (None, None, None),
            Self::Denied => one.outcome = Some(Outcome::Denied),
            Self::Reported => one.outcome = Some(Outcome::Reported),
            Self::WrongNumber => one.outcome = Some(Outcome::WrongNumber),
            Self::EndedByAChange => one.outcome = Some(Outcome::Ended),
            Self::OfAnotherKind => one.kind = other_kind(one.kind),
            Self::OfAnotherPerson => {
                one.account_id.clone_from(&world.bob);
                one.decided_by = Some(world.bobs.device_id.clone());
            }
            Self::OfAnotherBrowser => one.owner = Owner::Session("another browser".to_owned()),
            Self::Spent => one.redeemed = true,
            Self::Expired => one.decided_at = Some(world.now() - 601),
        }
        Some(one)
    }
}

fn other_kind(kind: Kind) -> Kind {
    if kind == Kind::ConfirmEnrollment { Kind::RemoveMethod } else { Kind::ConfirmEnrollment }
}

/// A change with the table that it changes, and the same change of another subject.
struct Case {
    change: Change,
    other: Change,
    table: &'static str,
}

fn lost(account: &str, device: &str) -> Act {
    Act::ReportLost { account: account.to_owned(), device: device.to_owned(), since: i64::MIN }
}

fn member(account: &str, group: &str, joins: bool) -> Act {
    Act::Member { account: account.to_owned(), group: group.to_owned(), joins }
}

fn own(world: &World) -> Vec<Case> {
    let (second, bobs) = (world.second.device_id.clone(), world.bobs.device_id.clone());
    let lost = |device: String| Change::ReportLost { device, since: i64::MIN };
    vec![
        Case {
            change: Change::RemoveMethod(second.clone()),
            other: Change::RemoveMethod(bobs.clone()),
            table: "devices",
        },
        Case { change: lost(second), other: lost(bobs), table: "devices" },
        Case { change: Change::CreatePass, other: Change::AddMethod, table: "passes" },
    ]
}

fn administrative(world: &World, group: &str) -> Vec<Case> {
    let (bob, carol) = (world.bob.clone(), world.carol.clone());
    let of = |act: fn(String) -> Act, table| (act(bob.clone()), act(carol.clone()), table);
    let add = |name: &str| Act::AddPerson { user_name: name.to_owned(), display_name: "Dave".to_owned() };
    let token = |name: &str| Act::MakeApiToken { name: name.to_owned(), scope: TokenScope::ChangePolicy };
    let (bobs, none) = (world.bobs.device_id.clone(), "no such device");
    let acts = [
        of(Act::Suspend, "people"),
        of(Act::Resume, "people"),
        of(Act::MakePass, "passes"),
        of(Act::Unblock, "people"),
        of(Act::MakeAdministrator, "people"),
        of(Act::RemoveAdministrator, "people"),
        of(Act::Reset, "devices"),
        of(Act::DeletePerson, "people"),
        (member(&bob, group, true), member(&carol, group, true), "people"),
        (member(&bob, group, false), member(&carol, group, false), "people"),
        (lost(&bob, &bobs), lost(&carol, none), "devices"),
        (add("dave"), add("erin"), "people"),
        (Act::AddGroup("New".to_owned()), Act::AddGroup("Other".to_owned()), "groups"),
        (token("mine"), token("other"), "api_tokens"),
        (
            Act::ChangePolicy(json!({"isSoftwareOathEnabled": false})),
            Act::ChangePolicy(json!({"countersign": {"bootstrap": "pass"}})),
            "policy",
        ),
    ];
    let case =
        |(change, other, table)| Case { change: Change::Administer(change), other: Change::Administer(other), table };
    acts.into_iter().map(case).collect()
}

/// Finishes a change in a new browser of Alice whose session waits for this approval.
async fn finish(world: &World, approval: Option<Ceremony>, path: &str) -> (String, Dump, Try) {
    let (mut browser, session) = world.approved_session(&world.alice);
    if let Some(mut approval) = approval {
        if approval.owner == Owner::Session(String::new()) {
            approval.owner = Owner::Session(session.clone());
        }
        world.put(&approval);
        world.change::<Session>(&session, |session| session.ceremony = Some(approval.id.clone()));
    }
    let before = world.dump();
    let answer = submit(&mut browser, path, &[]).await;
    let tried = Try { what: path.to_owned(), status: answer.status, text: text_of(&answer) };
    (session, before, tried)
}

fn approval_of(world: &World, change: &Change) -> Ceremony {
    world.approval(Owner::Session(String::new()), change.kind(), Some(change.clone()))
}

async fn without_proof(world: &World, case: &Case, path: &str) {
    for flaw in FLAWS {
        let flawed = flaw.applied(world, approval_of(world, &case.change));
        let (_, before, tried) = finish(world, flawed, path).await;
        let what = format!("{path} for {:?} with an approval that is {flaw:?}", case.change);
        assert_refused(world, &before, &Try { what, ..tried }, &[]);
    }
}

/// The approval of another act does not allow this act. It may do what it is for.
async fn with_the_approval_of_another_subject(world: &World, case: &Case, path: &str) {
    let (_, before, tried) = finish(world, Some(approval_of(world, &case.other)), path).await;
    assert!(tried.status < 500);
    let (bobs, second) = (&world.bobs.device_id, &world.second.device_id);
    let about = |lines: &[String]| -> Vec<String> {
        let mine = |line: &&String| line.contains(&world.bob) || line.contains(bobs) || line.contains(second);
        lines.iter().filter(mine).cloned().collect()
    };
    let after = world.dump();
    for (table, lines) in &before {
        assert_eq!(about(lines), about(&after[table]), "{:?} had the effect of {:?}", case.other, case.change);
    }
}

async fn with_proof(world: &World, case: &Case, path: &str) {
    let approval = approval_of(world, &case.change);
    let id = approval.id.clone();
    let (session, before, tried) = finish(world, Some(approval), path).await;
    assert_done(world, &before, &Try { what: format!("{path} for {:?}", case.change), ..tried }, case.table);
    let raised = world.get::<Session>(&session).unwrap().approved.unwrap();
    assert_eq!(raised.by, Giver::Approval(id), "{path} did not raise the session");
}

fn prepared(group: &str, change: &Change, world: &World) {
    match change {
        Change::Administer(Act::Resume(account)) => {
            world.change::<Person>(account, |person| person.suspended = true);
        }
        Change::Administer(Act::RemoveAdministrator(account)) => {
            let given = Given::by_operator(world.now());
            world.change::<Person>(account, |person| {
                person.give_role(given.clone());
            });
        }
        Change::Administer(Act::Member { account, joins: false, .. }) => {
            world.change::<Person>(account, |person| {
                person.join(group, &Given::by_operator(0));
            });
        }
        _ => {}
    }
}

#[tokio::test]
async fn own_change_needs_an_unspent_approval_of_exactly_this_change() {
    let world = World::new().await;
    for index in 0..own(&world).len() {
        let world = World::in_service(&world.service);
        let case = own(&world).remove(index);
        without_proof(&world, &case, "/security-info/step-up/finish").await;
        with_the_approval_of_another_subject(&world, &case, "/security-info/step-up/finish").await;
        with_proof(&world, &case, "/security-info/step-up/finish").await;
    }
}

#[tokio::test]
async fn administrative_act_needs_an_unspent_approval_of_exactly_this_act() {
    for index in 0..15 {
        let world = World::new().await;
        let group = Group { id: "group".to_owned(), name: "Group".to_owned() };
        world.put(&group);
        let case = administrative(&world, &group.id).remove(index);
        prepared(&group.id, &case.change, &world);
        without_proof(&world, &case, "/admin/approve/finish").await;
        with_the_approval_of_another_subject(&world, &case, "/admin/approve/finish").await;
        with_proof(&world, &case, "/admin/approve/finish").await;
    }
}

/// An approval for one of the two pages can't be redeemed on the other page.
#[tokio::test]
async fn approval_is_redeemed_only_on_the_page_of_its_kind() {
    let world = World::new().await;
    let administrative = Change::Administer(Act::Suspend(world.bob.clone()));
    for (change, path) in
        [(administrative, "/security-info/step-up/finish"), (Change::CreatePass, "/admin/approve/finish")]
    {
        let (_, before, tried) = finish(&world, Some(approval_of(&world, &change)), path).await;
        assert_refused(&world, &before, &Try { what: format!("{path} for {change:?}"), ..tried }, &[]);
    }
}

/// A phone asks only what these forms ask. The forms change nothing but the session, which then waits.
#[tokio::test]
async fn form_that_asks_a_phone_changes_nothing_else() {
    let world = World::new().await;
    let second = world.second.device_id.clone();
    let bob = world.bob.clone();
    let forms: [(&str, Vec<(&str, &str)>); 9] = [
        ("/security-info/remove", vec![("device", &second)]),
        ("/security-info/lost/report", vec![("device", &second)]),
        ("/security-info/pass", vec![]),
        ("/security-info/add", vec![]),
        ("/admin/person", vec![("account", &bob), ("act", "suspend")]),
        ("/admin/people", vec![("user_name", "dave"), ("name", "Dave")]),
        ("/admin/groups", vec![("name", "New")]),
        ("/admin/policy", vec![("policy", "{\"isSoftwareOathEnabled\": false}")]),
        ("/admin/api-tokens", vec![("name", "mine"), ("scope", "change")]),
    ];
    for (path, fields) in forms {
        let (mut browser, _) = world.approved_session(&world.alice);
        let before = world.dump();
        let answer = submit(&mut browser, path, &fields).await;
        let number = ["/security-info/step-up", "/admin/approve"].map(Some);
        assert!(number.contains(&answer.location()), "{path} asked no phone: {} {}", answer.status, answer.body);
        assert_eq!(changed(&before, &world.dump()), ["sessions"], "{path}");
        let (mut by_password, _) = world.session(&world.alice, Used::Password, world.password(&world.alice));
        let before = world.dump();
        let answer = submit(&mut by_password, path, &fields).await;
        let tried = Try { what: format!("{path} by password"), status: answer.status, text: text_of(&answer) };
        assert_refused(&world, &before, &tried, &[]);
    }
}
