//! Adding a phone: by the wizard, and by signing in.

use countersign_service::clock::Time;
use countersign_service::devices::device::{Cause, Device, State};
use countersign_service::enrollment::acts as enrollment;
use countersign_service::enrollment::state::{Enrollment, State as Stage};
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::phone_sign_in::records::PhoneToken;
use countersign_service::phone_sign_in::registration::{NewPhone, Purpose, Registration};
use countersign_service::prompts::ceremony::{Ceremony, Kind, Owner};
use countersign_service::prompts::change::Change;
use countersign_service::provenance::{Given, Giver};
use countersign_service::secrets::{decode, hashed, random_id};
use countersign_service::sign_in::attempt::{Attempt, Proven};
use countersign_service::sign_in::flow::{Flow, Goal};
use countersign_service::sign_in::session::{Session, Used};
use serde_json::json;
use url::Url;

use super::acts::{FLAWS, Flaw};
use super::{Effect, Try, assert_done, assert_refused};
use crate::phone_endpoints::phone::{Phone, with};
use crate::phone_endpoints::phone_sign_in::{REDIRECT, VERIFIER};
use crate::phone_endpoints::service::{Code, ISSUER};
use crate::support::given_by;
use crate::support::{Answer, Browser};
use crate::world::{Dump, World, add_device, new_phone, submit, text_of};

const ENROLLMENT: &str = "POST /phone/enrollment";

pub(super) const COVERED: &[(&str, Effect)] = &[
    ("POST /register-phone", Effect::PhoneCode),
    ("POST /security-info/add/start", Effect::StartEnrollment),
    ("POST /security-info/add/digits", Effect::AddMethod),
    ("POST /security-info/add/not-my-phone", Effect::EndEnrollment),
    ("POST /security-info/add/cancel", Effect::EndEnrollment),
    (ENROLLMENT, Effect::RegisterDevice),
    (ENROLLMENT, Effect::AddMethod),
];

fn tried(what: &str, answer: &Answer) -> Try {
    Try { what: what.to_owned(), status: answer.status, text: text_of(answer) }
}

fn machine(what: &str, answer: &crate::phone_endpoints::service::Answer) -> Try {
    Try { what: what.to_owned(), status: answer.status, text: answer.body.clone() }
}

/// Stores an enrollment of Alice's first phone that is complete, in the wizard of this session.
pub(super) fn active_enrollment(world: &World, session: &str) {
    let given = Given::by_operator(world.now());
    let fresh = enrollment::fresh(&world.service.app, world.alice.clone(), session.to_owned(), given, world.now());
    let device_id = Some(world.phone.device_id.clone());
    let active = Enrollment { state: Stage::Active, device_id, ..fresh.unwrap() };
    world.put(&active);
    world.change::<Session>(session, |session| session.enrollment = Some(active.scanned.id.clone()));
}

/// An enrollment in the wizard of a browser.
struct Wizard {
    browser: Browser,
    session: String,
    code: Code,
}

fn wizard(world: &World, account: &str, by: Giver) -> Wizard {
    let (browser, session) = world.session(account, Used::Pass, by.clone());
    let app = &world.service.app;
    let fresh =
        enrollment::fresh(app, account.to_owned(), session.clone(), given_by(by, world.now()), world.now()).unwrap();
    world.with(|tx| enrollment::start_in(tx, &fresh, world.now()));
    let id = fresh.scanned.id.clone();
    world.change::<Session>(&session, |session| session.enrollment = Some(id.clone()));
    let text = Url::parse(&enrollment::scanned_text(app, &fresh).unwrap()).unwrap();
    let secret = text.query_pairs().find(|(name, _)| name == "secret").unwrap().1.into_owned();
    let (key, issuer) = (decode(&secret).unwrap(), ISSUER.to_owned());
    Wizard { browser, session: session.clone(), code: Code { enrollment: id.clone(), id, key, session, issuer } }
}

/// Something that does not allow adding a phone: its name, the account, what is claimed to allow it, and a function that
/// makes it invalid.
type Wrong = (String, String, Giver, Box<dyn Fn(&World)>);

/// Returns what does not allow adding a phone. Each is valid until its function is called.
fn wrong_givers(world: &World) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = Vec::new();
    for flaw in FLAWS {
        // The browser and the age of an approval are checked when the adding starts.
        if [Flaw::OfAnotherBrowser, Flaw::Expired].contains(&flaw) {
            continue;
        }
        let owner = Owner::Session("wizard".to_owned());
        let right = world.approval(owner, Kind::AddMethod, Some(Change::AddMethod));
        world.put(&right);
        let (id, by) = (right.id.clone(), Giver::Approval(right.id.clone()));
        let spoil = move |world: &World| {
            let flawed = flaw.applied(world, right.clone());
            world.with(|tx| {
                tx.delete::<Ceremony>(&id)?;
                flawed.as_ref().map_or(Ok(()), |flawed| tx.insert(flawed))
            });
        };
        wrong.push((format!("an approval that is {flaw:?}"), world.alice.clone(), by, Box::new(spoil)));
    }
    wrong.extend(wrong_secrets(world));
    wrong
}

fn wrong_secrets(world: &World) -> Vec<Wrong> {
    let pass = |world: &World, change: fn(&mut Pass)| {
        let pass = Pass::id_of(&world.carol, crate::world::PASS);
        world.change::<Pass>(&pass, change);
    };
    let carol = world.carol.clone();
    let person = move |world: &World, change: fn(&mut Person)| world.change::<Person>(&world.carol, change);
    let (password, typed) = (world.password(&world.carol), Giver::Pass(Pass::id_of(&carol, crate::world::PASS)));
    let of = |what: &str, by: &Giver, spoil: Box<dyn Fn(&World)>| (what.to_owned(), carol.clone(), by.clone(), spoil);
    vec![
        of("a spent pass", &typed, Box::new(move |world| pass(world, |pass| pass.spent_at = Some(1)))),
        of("a pass that was not typed", &typed, Box::new(move |world| pass(world, |pass| pass.used_at = None))),
        of("another person's pass", &typed, Box::new(move |world| pass(world, |pass| pass.account_id.clear()))),
        of("an older password", &password, Box::new(move |world| person(world, |one| one.password_changed_at += 1))),
        of("a suspended person", &password, Box::new(move |world| person(world, |one| one.suspended = true))),
        of("a second phone", &password, Box::new(|world| drop(add_device(&world.service, &world.carol)))),
        of(
            "a policy that requires a pass",
            &password,
            Box::new(|world| world.service.set_policy(&json!({"countersign": {"bootstrap": "pass"}}))),
        ),
        of(
            "a policy without the app",
            &password,
            Box::new(|world| world.service.set_policy(&json!({"state": "disabled"}))),
        ),
    ]
}

async fn worlds_with_wrong_givers() -> Vec<(World, Wrong)> {
    let mut worlds = Vec::new();
    let count = wrong_givers(&World::new().await).len();
    for index in 0..count {
        let world = World::new().await;
        world.pass(&world.carol, true);
        let wrong = wrong_givers(&world).remove(index);
        worlds.push((world, wrong));
    }
    worlds
}

#[tokio::test]
async fn digits_add_a_phone_only_while_what_gave_the_enrollment_is_valid() {
    for (world, (what, account, by, spoil)) in worlds_with_wrong_givers().await {
        let (mut wizard, mut phone) = (wizard(&world, &account, by), new_phone());
        phone.bind(&world.service, &wizard.code).await;
        spoil(&world);
        let (before, active) = (world.dump(), world.active());
        let answer =
            submit(&mut wizard.browser, "/security-info/add/digits", &[("digits", &phone.digits(&wizard.code))]).await;
        // The enrollment and its pending device end.
        assert_refused(&world, &before, &tried(&what, &answer), &["devices", "enrollments"]);
        assert_eq!(world.active(), active, "{what}");
        assert!(!world.get::<Device>(&phone.device_id).unwrap().is_active(), "{what}");
    }
}

#[tokio::test]
async fn digits_add_a_phone_only_in_their_own_wizard() {
    let world = World::new().await;
    let (mut wizard, mut phone) = (wizard(&world, &world.carol, world.password(&world.carol)), new_phone());
    phone.bind(&world.service, &wizard.code).await;
    let digits = phone.digits(&wizard.code);
    let (mut other, session) = world.session(&world.carol, Used::Password, world.password(&world.carol));
    world.change::<Session>(&session, |session| session.enrollment = Some(wizard.code.enrollment.clone()));
    for path in ["digits", "cancel", "not-my-phone"] {
        for (what, browser) in [("another session", &mut other), ("no session", &mut world.browser())] {
            let before = world.dump();
            let answer = submit(browser, &format!("/security-info/add/{path}"), &[("digits", &digits)]).await;
            assert_refused(&world, &before, &tried(&format!("{path} in {what}"), &answer), &[]);
        }
    }
    let before = world.dump();
    let wrong = if digits == "000000" { "000001" } else { "000000" };
    let answer = submit(&mut wizard.browser, "/security-info/add/digits", &[("digits", wrong)]).await;
    assert_refused(&world, &before, &tried("wrong digits", &answer), &["enrollments"]);
    let answer = submit(&mut wizard.browser, "/security-info/add/digits", &[("digits", &digits)]).await;
    assert_done(&world, &before, &tried("the right digits", &answer), "devices");
    assert!(world.get::<Device>(&phone.device_id).unwrap().is_active(), "{}", answer.status);
    let before = world.dump();
    let answer = submit(&mut wizard.browser, "/security-info/add/digits", &[("digits", &digits)]).await;
    assert_refused(&world, &before, &tried("the digits again", &answer), &[]);
}

#[tokio::test]
async fn wizard_is_cancelled_only_in_its_own_browser() {
    let world = World::new().await;
    for path in ["cancel", "not-my-phone"] {
        let mut wizard = wizard(&world, &world.carol, world.password(&world.carol));
        let before = world.dump();
        let answer = submit(&mut wizard.browser, &format!("/security-info/add/{path}"), &[]).await;
        assert_done(&world, &before, &tried(path, &answer), "enrollments");
    }
}

#[tokio::test]
async fn enrollment_starts_only_with_something_that_allows_adding() {
    let world = World::new().await;
    let path = "/security-info/add/start";
    for flaw in FLAWS.map(Some).into_iter().chain([None]) {
        let (mut browser, session) = world.approved_session(&world.alice);
        let owner = Owner::Session(session.clone());
        let right = world.approval(owner, Kind::AddMethod, Some(Change::AddMethod));
        let approval = flaw.map_or(Some(right.clone()), |flaw| flaw.applied(&world, right));
        if let Some(approval) = &approval {
            world.put(approval);
            world.change::<Session>(&session, |session| session.ceremony = Some(approval.id.clone()));
        }
        let before = world.dump();
        let answer = submit(&mut browser, path, &[]).await;
        match flaw {
            // The wizard asks a phone, and the session waits for it.
            Some(flaw) => assert_refused(&world, &before, &tried(&format!("{flaw:?}"), &answer), &["sessions"]),
            None => assert_done(&world, &before, &tried("an approval", &answer), "enrollments"),
        }
    }
    for (what, used, by) in [
        ("an older password", Used::Password, Giver::Password(1)),
        ("an unknown pass", Used::Pass, Giver::Pass("unknown".to_owned())),
        ("the operator's word", Used::Password, Giver::Operator),
    ] {
        let (mut browser, _) = world.session(&world.carol, used, by);
        let before = world.dump();
        let answer = submit(&mut browser, path, &[]).await;
        assert_refused(&world, &before, &tried(what, &answer), &[]);
    }
}

#[tokio::test]
async fn phone_is_bound_only_with_the_code_of_a_valid_enrollment() {
    for (world, (what, account, by, spoil)) in worlds_with_wrong_givers().await {
        let (wizard, phone) = (wizard(&world, &account, by), new_phone());
        spoil(&world);
        let before = world.dump();
        let claims = phone.bind_claims(&world.service, &wizard.code);
        let answer = world.service.post("enrollment", phone.sign(&phone.bind_header(), &claims)).await;
        assert_refused(&world, &before, &machine(&what, &answer), &["enrollments"]);
    }
    let world = World::new().await;
    let (wizard, phone) = (wizard(&world, &world.carol, world.password(&world.carol)), new_phone());
    let right = phone.bind_claims(&world.service, &wizard.code);
    let other_code = Code { key: vec![1; 16], ..wizard.code.clone() };
    let thief = new_phone();
    for (what, sender, claims) in [
        ("a wrong code", &phone, phone.bind_claims(&world.service, &other_code)),
        ("an unknown enrollment", &phone, with(right.clone(), "enrollment", json!(random_id().unwrap()))),
        ("a message of another phone", &thief, right.clone()),
    ] {
        let before = world.dump();
        let answer = world.service.post("enrollment", sender.sign(&sender.bind_header(), &claims)).await;
        assert_refused(&world, &before, &machine(what, &answer), &["enrollments"]);
    }
    let before = world.dump();
    let answer = world.service.post("enrollment", phone.sign(&phone.bind_header(), &right)).await;
    assert_done(&world, &before, &machine("the right code", &answer), "devices");
    assert_eq!(world.get::<Enrollment>(&wizard.code.enrollment).unwrap().session, wizard.session);
    let before = world.dump();
    let claims = thief.bind_claims(&world.service, &wizard.code);
    let answer = world.service.post("enrollment", thief.sign(&thief.bind_header(), &claims)).await;
    assert_refused(&world, &before, &machine("a second phone", &answer), &["enrollments"]);
}

/// A phone abandons an enrollment. Only its own enrollment ends.
pub(super) async fn abandons(world: &World) {
    let (own, other) = (wizard(world, &world.carol, world.password(&world.carol)), new_phone());
    let mut phone = new_phone();
    phone.bind(&world.service, &own.code).await;
    let thief = Phone::with_scalar(other.scalar(), phone.device_id.clone());
    let message = || json!({"message": "abandon"});
    for (what, sender) in [("another device", &world.bobs), ("another key", &thief)] {
        let before = world.dump();
        let answer = sender.send(&world.service, "device", message()).await;
        let text = Try { text: String::new(), ..machine(what, &answer) };
        assert_refused(world, &before, &text, &[]);
    }
    let before = world.dump();
    let answer = phone.send(&world.service, "device", message()).await;
    assert_done(world, &before, &Try { text: String::new(), ..machine("its own", &answer) }, "enrollments");
}

fn put_token(world: &World, account: &str, by: Giver, phone: &Phone, life: Time) -> serde_json::Value {
    let (token, now) = (random_id().unwrap(), world.now());
    world.put(&PhoneToken {
        id: hashed(token.as_bytes()),
        account_id: account.to_owned(),
        jkt: phone.jwk.thumbprint(),
        expires_at: now + life,
        added: None,
        given: given_by(by, now),
        keys_document: 1,
    });
    json!({"access_token": token})
}

#[tokio::test]
async fn phone_token_adds_its_own_phone_while_what_gave_it_is_valid() {
    for (world, (what, account, by, spoil)) in worlds_with_wrong_givers().await {
        let phone = new_phone();
        let token = put_token(&world, &account, by, &phone, 600);
        spoil(&world);
        let before = world.dump();
        let answer = phone.add(&world.service, &phone.add_claims(&world.service, &token)).await;
        assert_refused(&world, &before, &machine(&what, &answer), &[]);
    }
    let world = World::new().await;
    let (phone, thief, by) = (new_phone(), new_phone(), world.password(&world.carol));
    let token = put_token(&world, &world.carol, by.clone(), &phone, 600);
    let known = put_token(&world, &world.carol, by.clone(), &world.bobs, 600);
    let expired = put_token(&world, &world.carol, by, &phone, 0);
    for (what, sender, token) in [
        ("another phone", &thief, &token),
        ("a phone that is a device", &world.bobs, &known),
        ("an expired token", &phone, &expired),
        ("an unknown token", &phone, &json!({"access_token": random_id().unwrap()})),
    ] {
        let before = world.dump();
        let answer = sender.add(&world.service, &sender.add_claims(&world.service, token)).await;
        assert_refused(&world, &before, &machine(what, &answer), &[]);
    }
    let before = world.dump();
    let answer = phone.add(&world.service, &phone.add_claims(&world.service, &token)).await;
    assert_done(&world, &before, &machine("the right token", &answer), "devices");
    let added = answer.json()["device_id"].as_str().unwrap().to_owned();
    world.change::<Device>(&added, |device| device.state = State::Removed(Cause::Lost));
    let before = world.dump();
    let answer = phone.add(&world.service, &phone.add_claims(&world.service, &token)).await;
    assert_refused(&world, &before, &machine("a removed phone", &answer), &[]);
}

const DIGITS: &str = "012345";

fn registration(world: &World, purpose: Purpose, account: Option<&str>) -> Registration {
    let digits = |id: &str| hashed(format!("{id} {DIGITS}").as_bytes());
    let id = random_id().unwrap();
    let purpose = match purpose {
        Purpose::AddPhone(phone) => Purpose::AddPhone(NewPhone { digits: digits(&id), ..phone }),
        turn_on @ Purpose::TurnOn { .. } => turn_on,
    };
    Registration {
        id,
        redirect_uri: REDIRECT.to_owned(),
        state: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        code_challenge: hashed(VERIFIER.as_bytes()),
        purpose,
        account_id: account.map(str::to_owned),
        expires_at: world.now() + 600,
        given: given_by(Giver::DeviceKey("a key".to_owned()), world.now()),
    }
}

/// Agrees to a registration in a new browser.
async fn agrees(
    world: &World,
    registration: &Registration,
    proof: Option<Proven>,
    flaw: Option<Flaw>,
    digits: &str,
) -> (Dump, Answer) {
    let kind = if registration.purpose.device().is_some() { Kind::RegisterDevice } else { Kind::AddMethod };
    let (mut browser, id) = world.attempt(|attempt| {
        attempt.flow = Flow::new(Goal::Phone).unwrap();
        (attempt.registration, attempt.proven) = (Some(registration.clone()), proof);
    });
    let right = world.approval(Owner::Attempt(id.clone()), kind, None);
    if let Some(approval) = flaw.map_or(Some(right.clone()), |flaw| flaw.applied(world, right)) {
        world.put(&approval);
        world.change::<Attempt>(&id, |attempt| attempt.ceremony = Some(approval.id.clone()));
    }
    let before = world.dump();
    let answer = submit(&mut browser, "/register-phone", &[("digits", digits)]).await;
    (before, answer)
}

#[tokio::test]
async fn phone_gets_a_code_only_after_a_password_and_an_approval() {
    let world = World::new().await;
    let new = new_phone().jwk.thumbprint();
    let phone =
        NewPhone { jkt: new, name: "Phone".to_owned(), model: "M".to_owned(), digits: String::new(), wrong_digits: 0 };
    let adds = registration(&world, Purpose::AddPhone(phone), None);
    let turns_on = |device: &Phone| Purpose::TurnOn { device_id: device.device_id.clone() };
    let turn_on = registration(&world, turns_on(&world.phone), Some(&world.alice));
    let proof = world.proof(&world.alice, world.password(&world.alice));
    for one in [&adds, &turn_on] {
        for flaw in FLAWS {
            let (before, answer) = agrees(&world, one, Some(proof.clone()), Some(flaw), DIGITS).await;
            assert_refused(&world, &before, &tried(&format!("{flaw:?} for {:?}", one.purpose), &answer), &[]);
        }
        let old = Proven { given: proof.given.passed_on(world.now() - 600), ..proof.clone() };
        for (what, proof) in [
            ("no password", None),
            ("a password that is ten minutes old", Some(old)),
            ("an older password", Some(world.proof(&world.alice, Giver::Password(1)))),
            ("an unrecorded proof", Some(world.proof(&world.alice, Giver::Unrecorded))),
        ] {
            let (before, answer) = agrees(&world, one, proof, None, DIGITS).await;
            assert_refused(&world, &before, &tried(what, &answer), &[]);
        }
    }
    let of_bob = registration(&world, turns_on(&world.bobs), Some(&world.bob));
    let (before, answer) = agrees(&world, &of_bob, Some(proof.clone()), None, DIGITS).await;
    assert_refused(&world, &before, &tried("another person's phone", &answer), &[]);
    let (before, answer) = agrees(&world, &adds, Some(proof.clone()), None, "543210").await;
    assert_refused(&world, &before, &tried("wrong digits", &answer), &[]);
    for one in [&adds, &turn_on] {
        let (before, answer) = agrees(&world, one, Some(proof.clone()), None, DIGITS).await;
        assert_done(&world, &before, &tried("a password and an approval", &answer), "registration_codes");
    }
}
