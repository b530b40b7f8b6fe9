//! Signing in, passwords, authorization codes for applications, and signing out.

use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::prompts::ceremony::{Ceremony, Kind, Owner};
use countersign_service::provenance::Giver;
use countersign_service::sign_in::attempt::{Attempt, Proven, Unproven};
use countersign_service::sign_in::flow::Flow;
use countersign_service::sign_in::session::{Session, Used};

use super::acts::{FLAWS, Flaw};
use super::{Effect, Try, assert_done, assert_refused};
use crate::support::{Answer, Browser, PASSWORD, RETURN, form};
use crate::world::{CHALLENGE, Dump, PASS, World, application, authorization, changed, submit, text_of};

const FINISH: &str = "POST /sign-in/finish";
const CONTINUE: &str = "POST /sign-in/continue";
const NEW: &str = "four words in a row";

pub(super) const COVERED: &[(&str, Effect)] = &[
    ("GET /sign-in", Effect::IssueCode),
    ("POST /sign-in/password", Effect::FirstSession),
    ("POST /sign-in/pass", Effect::FirstSession),
    ("POST /new-password", Effect::Password),
    ("POST /new-password", Effect::FirstSession),
    (FINISH, Effect::SignIn),
    (FINISH, Effect::KnownBrowser),
    (FINISH, Effect::IssueCode),
    (CONTINUE, Effect::SignIn),
    (CONTINUE, Effect::KnownBrowser),
    (CONTINUE, Effect::IssueCode),
    ("POST /more-information", Effect::FirstSession),
    ("POST /sign-out", Effect::SignOut),
    ("POST /security-info/continue", Effect::IssueCode),
    ("POST /security-info/add/finish", Effect::KnownBrowser),
    ("POST /security-info/add/finish", Effect::RaiseSession),
    ("GET /authorize", Effect::IssueCode),
];

fn tried(what: &str, answer: &Answer) -> Try {
    Try { what: what.to_owned(), status: answer.status, text: text_of(answer) }
}

/// Sends the last form of a sign-in in a new browser. `unproven`: the browser has typed no password.
async fn signs_in(world: &World, unproven: bool, flaw: Option<Flaw>, change: impl Fn(&mut Attempt)) -> (Dump, Answer) {
    let (kind, path) = match unproven {
        true => (Kind::PhoneSignIn, "/sign-in/continue"),
        false => (Kind::SecondFactor, "/sign-in/finish"),
    };
    let (mut browser, id) = world.attempt(|attempt| {
        attempt.flow = Flow::new(application()).unwrap();
        attempt.user_name = Some(world.user_name(&world.alice));
        attempt.proven = (!unproven).then(|| world.proof(&world.alice, world.password(&world.alice)));
        attempt.unproven = unproven.then(|| Unproven { number: "123".to_owned(), ends_at: world.now() + 60 });
    });
    let right = world.approval(Owner::Attempt(id.clone()), kind, None);
    let approval: Option<Ceremony> = flaw.map_or(Some(right.clone()), |flaw| flaw.applied(world, right));
    if let Some(approval) = &approval {
        world.put(approval);
    }
    world.change::<Attempt>(&id, |attempt| {
        attempt.ceremony = approval.as_ref().map(|one| one.id.clone());
        change(attempt);
    });
    let before = world.dump();
    let answer = submit(&mut browser, path, &[]).await;
    (before, answer)
}

#[tokio::test]
async fn sign_in_needs_an_unspent_approval_for_this_browser() {
    let world = World::new().await;
    for unproven in [false, true] {
        // After a phone sign-in, the approval alone says who signs in.
        for flaw in FLAWS.into_iter().filter(|flaw| !unproven || *flaw != Flaw::OfAnotherPerson) {
            let (before, answer) = signs_in(&world, unproven, Some(flaw), |_attempt| {}).await;
            assert_refused(&world, &before, &tried(&format!("{flaw:?}, unproven: {unproven}"), &answer), &[]);
        }
        let expired = |attempt: &mut Attempt| attempt.expires_at = 0;
        let (before, answer) = signs_in(&world, unproven, None, expired).await;
        assert_refused(&world, &before, &tried("an expired attempt", &answer), &[]);
        let (before, answer) = signs_in(&world, unproven, None, |_attempt| {}).await;
        for table in ["sessions", "known_browsers", "codes"] {
            assert_done(&world, &before, &tried("an approved sign-in", &answer), table);
        }
        assert!(answer.leads_to().starts_with(RETURN), "{}", answer.body);
    }
}

/// The approval of a sign-in with a password needs this password, and the approval of a sign-in by phone needs the other
/// kind of approval.
#[tokio::test]
async fn approval_after_a_password_counts_only_with_this_password() {
    let world = World::new().await;
    let proofs: [(&str, Option<Proven>); 4] = [
        ("no password", None),
        ("an older password", Some(world.proof(&world.alice, Giver::Password(1)))),
        ("the operator's word", Some(world.proof(&world.alice, Giver::Operator))),
        ("another person's password", Some(world.proof(&world.bob, Giver::Password(2)))),
    ];
    for (what, proof) in proofs {
        let (before, answer) = signs_in(&world, false, None, |attempt| attempt.proven.clone_from(&proof)).await;
        assert_refused(&world, &before, &tried(what, &answer), &[]);
    }
    let by_password = world.proof(&world.alice, world.password(&world.alice));
    let proven = |attempt: &mut Attempt| attempt.proven = Some(by_password.clone());
    let (before, answer) = signs_in(&world, true, None, proven).await;
    assert_refused(&world, &before, &tried("an approval of a phone sign-in after a password", &answer), &[]);
}

/// Changes a person, tries, and restores the person.
async fn while_changed(
    world: &World,
    account: &str,
    change: impl Fn(&mut Person),
    what: &str,
    act: impl AsyncFn(&World) -> (Dump, Answer),
) {
    let person = world.person(account);
    world.change::<Person>(account, &change);
    let (before, answer) = act(world).await;
    assert_refused(world, &before, &tried(what, &answer), &[]);
    world.change::<Person>(account, |stored| *stored = person.clone());
}

async fn types(world: &World, account: &str, path: &str, fields: &[(&str, &str)]) -> (Dump, Answer) {
    let name = world.user_name(account);
    let (mut browser, _) = world.attempt(|attempt| attempt.user_name = Some(name));
    let before = world.dump();
    let answer = submit(&mut browser, path, fields).await;
    (before, answer)
}

#[tokio::test]
async fn first_session_by_password_needs_the_password_of_an_account_without_a_phone() {
    let world = World::new().await;
    let (path, right) = ("/sign-in/password", [("password", PASSWORD)]);
    let (before, answer) = types(&world, &world.carol, path, &[("password", "another password")]).await;
    assert_refused(&world, &before, &tried("a wrong password", &answer), &[]);
    let (before, answer) = types(&world, &world.bob, path, &right).await;
    assert_refused(&world, &before, &tried("an account with a phone", &answer), &[]);
    let suspended = |person: &mut Person| person.suspended = true;
    while_changed(&world, &world.carol, suspended, "a suspended person", async |world| {
        types(world, &world.carol, path, &right).await
    })
    .await;
    let must_change = |person: &mut Person| person.must_change_password = true;
    while_changed(&world, &world.carol, must_change, "a password that must change", async |world| {
        types(world, &world.carol, path, &right).await
    })
    .await;
    world.service.set_policy(&serde_json::json!({"countersign": {"bootstrap": "pass"}}));
    let (before, answer) = types(&world, &world.carol, path, &right).await;
    assert_refused(&world, &before, &tried("a policy that requires a pass", &answer), &[]);
    world.service.set_policy(&serde_json::json!({"countersign": {"bootstrap": "password"}}));
    let (before, answer) = types(&world, &world.carol, path, &right).await;
    assert_done(&world, &before, &tried("the right password", &answer), "sessions");
}

#[tokio::test]
async fn first_session_by_pass_needs_an_unused_pass_of_this_account() {
    let world = World::new().await;
    let Giver::Pass(id) = world.pass(&world.bob, false) else { return };
    let (path, now) = ("/sign-in/pass", world.now());
    type Change = fn(&mut Pass, i64);
    let flaws: [(&str, Change); 3] = [
        ("a used pass", |pass, now| pass.used_at = Some(now)),
        ("an expired pass", |pass, now| pass.ends_at = now),
        ("a pass for tomorrow", |pass, now| pass.starts_at = now + 86_400),
    ];
    let stored: Pass = world.get(&id).unwrap();
    for (what, flaw) in flaws {
        world.change::<Pass>(&id, |pass| flaw(pass, now));
        let (before, answer) = types(&world, &world.bob, path, &[("pass", PASS)]).await;
        assert_refused(&world, &before, &tried(what, &answer), &[]);
        world.change::<Pass>(&id, |pass| *pass = stored.clone());
    }
    for (what, account, text) in
        [("a wrong pass", &world.bob, "ABCDEFGHJKMP"), ("another person's pass", &world.carol, PASS)]
    {
        let (before, answer) = types(&world, account, path, &[("pass", text)]).await;
        assert_refused(&world, &before, &tried(what, &answer), &[]);
    }
    while_changed(
        &world,
        &world.bob,
        |person| person.suspended = true,
        "a suspended person",
        async |world| types(world, &world.bob, path, &[("pass", PASS)]).await,
    )
    .await;
    let (before, answer) = types(&world, &world.bob, path, &[("pass", PASS)]).await;
    assert_done(&world, &before, &tried("the right pass", &answer), "sessions");
}

/// Sends a form in a browser whose attempt has this proof.
async fn proves(
    world: &World,
    path: &str,
    must_change: bool,
    proof: Option<Proven>,
    fields: &[(&str, &str)],
) -> (Dump, Answer) {
    let (mut browser, _) =
        world.attempt(|attempt| if must_change { attempt.must_change = proof } else { attempt.proven = proof });
    let before = world.dump();
    let answer = submit(&mut browser, path, fields).await;
    (before, answer)
}

/// Returns proofs for Carol that are not valid.
fn wrong_proofs(world: &World) -> Vec<(&'static str, Option<Proven>)> {
    let right = world.proof(&world.carol, world.password(&world.carol));
    let old = Proven { given: right.given.passed_on(world.now() - 600), ..right };
    vec![
        ("no proof", None),
        ("a proof that is ten minutes old", Some(old)),
        ("an older password", Some(world.proof(&world.carol, Giver::Password(1)))),
        ("the operator's word", Some(world.proof(&world.carol, Giver::Operator))),
        ("an unrecorded proof", Some(world.proof(&world.carol, Giver::Unrecorded))),
    ]
}

#[tokio::test]
async fn first_session_after_more_information_needs_a_valid_proof() {
    let world = World::new().await;
    let path = "/more-information";
    let of_bob = world.proof(&world.bob, world.password(&world.bob));
    for (what, proof) in wrong_proofs(&world).into_iter().chain([("an account with a phone", Some(of_bob))]) {
        let (before, answer) = proves(&world, path, false, proof, &[]).await;
        assert_refused(&world, &before, &tried(what, &answer), &[]);
    }
    let right = world.proof(&world.carol, world.password(&world.carol));
    while_changed(
        &world,
        &world.carol,
        |person| person.suspended = true,
        "a suspended person",
        async |world| proves(world, path, false, Some(right.clone()), &[]).await,
    )
    .await;
    let (before, answer) = proves(&world, path, true, Some(right.clone()), &[]).await;
    assert_refused(&world, &before, &tried("a password that must change", &answer), &[]);
    let (before, answer) = proves(&world, path, false, Some(right), &[]).await;
    assert_done(&world, &before, &tried("the right proof", &answer), "sessions");
}

#[tokio::test]
async fn new_password_needs_a_valid_proof_of_the_old_one() {
    let world = World::new().await;
    let (path, fields) = ("/new-password", [("password", NEW), ("again", NEW)]);
    let right = world.proof(&world.carol, world.password(&world.carol));
    let (before, answer) = proves(&world, path, true, Some(right.clone()), &fields).await;
    assert_refused(&world, &before, &tried("a password that need not change", &answer), &[]);
    world.change::<Person>(&world.carol, |person| person.must_change_password = true);
    for (what, proof) in wrong_proofs(&world) {
        let (before, answer) = proves(&world, path, true, proof, &fields).await;
        assert_refused(&world, &before, &tried(what, &answer), &[]);
    }
    let (before, answer) = proves(&world, path, false, Some(right.clone()), &fields).await;
    assert_refused(&world, &before, &tried("another proof", &answer), &[]);
    while_changed(
        &world,
        &world.carol,
        |person| person.suspended = true,
        "a suspended person",
        async |world| proves(world, path, true, Some(right.clone()), &fields).await,
    )
    .await;
    let (before, answer) = proves(&world, path, true, Some(right), &fields).await;
    for table in ["people", "sessions"] {
        assert_done(&world, &before, &tried("the right proof", &answer), table);
    }
    assert!(world.person(&world.carol).has_password(NEW));
}

fn authorize() -> String {
    let fields = [
        ("client_id", "web"),
        ("redirect_uri", RETURN),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("/authorize?{}", form(&fields))
}

/// Opens the three addresses at which a session gets an authorization code.
async fn opens(world: &World, address: usize, mut browser: Browser) -> (Dump, Answer) {
    let flow = Flow::new(application()).unwrap().sealed(&world.service.app.sealer);
    let before = world.dump();
    let answer = match address {
        0 => browser.get(&authorize()).await,
        1 => {
            browser.flow = flow;
            browser.get("/sign-in").await
        }
        _ => submit(&mut browser, "/security-info/continue", &[]).await,
    };
    (before, answer)
}

#[tokio::test]
async fn authorization_code_needs_a_session_that_a_phone_approved() {
    let world = World::new().await;
    for address in 0..3 {
        let (before, answer) = opens(&world, address, world.browser()).await;
        assert_refused(&world, &before, &tried("no session", &answer), &[]);
        for (what, used, by) in [
            ("a password alone", Used::Password, world.password(&world.alice)),
            ("a pass alone", Used::Pass, Giver::Pass("a pass".to_owned())),
        ] {
            let (browser, id) = world.session(&world.alice, used, by);
            world.change::<Session>(&id, |session| session.request = Some(authorization()));
            let (before, answer) = opens(&world, address, browser).await;
            assert_refused(&world, &before, &tried(what, &answer), &[]);
        }
        let (browser, id) = world.approved_session(&world.alice);
        let wants = |session: &mut Session| (session.request, session.expires_at) = (Some(authorization()), 0);
        world.change::<Session>(&id, wants);
        let (before, answer) = opens(&world, address, browser).await;
        assert_refused(&world, &before, &tried("an expired session", &answer), &[]);
        while_changed(
            &world,
            &world.alice,
            |person| person.suspended = true,
            "a suspended person",
            async |world| opens(world, address.min(1), world.approved_session(&world.alice).0).await,
        )
        .await;
        let (browser, id) = world.approved_session(&world.alice);
        world.change::<Session>(&id, |session| session.request = Some(authorization()));
        let (before, answer) = opens(&world, address, browser).await;
        assert_done(&world, &before, &tried("an approved session", &answer), "codes");
    }
}

/// Without the session's cookie, nothing is signed out.
#[tokio::test]
async fn signing_out_ends_only_the_session_of_this_browser() {
    let world = World::new().await;
    let (mut alice, id) = world.approved_session(&world.alice);
    let before = world.dump();
    let answer = submit(&mut world.browser(), "/sign-out", &[]).await;
    assert_refused(&world, &before, &tried("another browser", &answer), &[]);
    let (mut bob, _) = world.approved_session(&world.bob);
    submit(&mut bob, "/sign-out", &[]).await;
    assert!(world.get::<Session>(&id).is_some(), "signing out ended another person's session");
    submit(&mut alice, "/sign-out", &[]).await;
    assert!(world.get::<Session>(&id).is_none());
}

#[tokio::test]
async fn new_phone_is_confirmed_only_by_its_own_approval_in_this_browser() {
    let world = World::new().await;
    for flaw in FLAWS.map(Some).into_iter().chain([None]) {
        let (mut browser, session) = world.session(&world.alice, Used::Password, world.password(&world.alice));
        super::adding::active_enrollment(&world, &session);
        let right = world.approval(Owner::Session(session.clone()), Kind::ConfirmEnrollment, None);
        let approval = flaw.map_or(Some(right.clone()), |flaw| flaw.applied(&world, right));
        if let Some(approval) = &approval {
            world.put(approval);
            world.change::<Session>(&session, |session| session.ceremony = Some(approval.id.clone()));
        }
        let before = world.dump();
        let answer = submit(&mut browser, "/security-info/add/finish", &[]).await;
        if flaw.is_some() {
            assert_refused(&world, &before, &tried(&format!("{flaw:?}"), &answer), &[]);
        } else {
            assert_eq!(changed(&before, &world.dump()), ["known_browsers", "sessions"]);
        }
    }
}
