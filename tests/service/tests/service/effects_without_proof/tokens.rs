//! Tokens of applications, phones and administrators.

use countersign_service::openid::request::Code;
use countersign_service::people::person::Person;
use countersign_service::phone_sign_in::registration::{NewPhone, Purpose, Registration, RegistrationCode};
use countersign_service::policy::document::TokenScope;
use countersign_service::policy::records::ApiToken;
use countersign_service::provenance::{Given, Giver};
use countersign_service::secrets::{hashed, random_id};
use countersign_service::sign_in::session::{Session, Used};

use super::{Effect, Try, assert_done, assert_refused};
use crate::phone_endpoints::phone::Phone;
use crate::phone_endpoints::phone_sign_in::{self, but, redemption};
use crate::phone_endpoints::service::Answer;
use crate::support::RETURN;
use crate::support::given_by;
use crate::world::{VERIFIER, World, authorization, new_phone, owned, submit, text_of};
use axum::body::Body;
use axum::http::{Request, header};

pub(super) const COVERED: &[(&str, Effect)] = &[
    ("POST /admin/api-tokens/revoke", Effect::RevokeApiToken),
    ("PATCH /api/policy", Effect::Policy),
    ("POST /par", Effect::PushedRequest),
    ("POST /token", Effect::IssueToken),
    ("POST /token", Effect::PhoneToken),
];

fn tried(what: &str, answer: &Answer) -> Try {
    Try { what: what.to_owned(), status: answer.status, text: answer.body.clone() }
}

fn put_code(world: &World, session: &str) -> String {
    let (code, now) = (random_id().unwrap(), world.now());
    world.put(&Code {
        id: hashed(code.as_bytes()),
        request: authorization(),
        account_id: world.alice.clone(),
        session: session.to_owned(),
        issued_at: now,
        expires_at: now + 60,
        used: false,
    });
    code
}

async fn redeems(world: &World, code: &str, changes: &[(&str, &str)]) -> Answer {
    let right = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", RETURN),
        ("code_verifier", VERIFIER),
        ("client_id", "web"),
        ("client_secret", "web-secret"),
    ];
    let mut fields: Vec<(&str, &str)> = right.to_vec();
    for (name, value) in changes {
        fields.retain(|(found, _)| found != name);
        fields.push((name, value));
    }
    world.service.form("/token", &owned(&fields), &[]).await
}

#[tokio::test]
async fn application_gets_a_token_only_for_its_own_unused_code_of_a_live_session() {
    let world = World::new().await;
    let (_, session) = world.approved_session(&world.alice);
    let code = put_code(&world, &session);
    for (what, changes) in [
        ("no secret", [("client_secret", "")]),
        ("another verifier", [("code_verifier", phone_sign_in::VERIFIER)]),
        ("another redirect URI", [("redirect_uri", "https://web.example/")]),
        ("another code", [("code", "AAAAAAAAAAAAAAAAAAAAAA")]),
    ] {
        let before = world.dump();
        assert_refused(&world, &before, &tried(what, &redeems(&world, &code, &changes).await), &[]);
    }
    type Spoil = fn(&World, &str, &str);
    let spoils: [(&str, Spoil); 4] = [
        ("an expired code", |world, id, _| world.change::<Code>(id, |code| code.expires_at = world.now())),
        ("an expired session", |world, _, session| {
            world.change::<Session>(session, |one| one.expires_at = world.now());
        }),
        ("an ended session", |world, _, session| {
            world.with(|tx| tx.delete::<Session>(session));
        }),
        ("a suspended person", |world, _, _| world.change::<Person>(&world.alice, |one| one.suspended = true)),
    ];
    for (what, spoil) in spoils {
        let world = World::in_service(&world.service);
        let (_, session) = world.approved_session(&world.alice);
        let code = put_code(&world, &session);
        spoil(&world, &hashed(code.as_bytes()), &session);
        let before = world.dump();
        assert_refused(&world, &before, &tried(what, &redeems(&world, &code, &[]).await), &[]);
    }
    let before = world.dump();
    assert_done(&world, &before, &tried("the right code", &redeems(&world, &code, &[]).await), "tokens");
    // A second use of the code ends the session.
    let before = world.dump();
    let answer = redeems(&world, &code, &[]).await;
    assert_refused(&world, &before, &tried("a used code", &answer), &["codes", "sessions", "tokens"]);
    assert!(world.get::<Session>(&session).is_none());
}

fn put_phone_code(world: &World, purpose: Purpose, account: &str, by: Giver) -> String {
    let (code, now) = (random_id().unwrap(), world.now());
    let registration = Registration {
        id: random_id().unwrap(),
        redirect_uri: phone_sign_in::REDIRECT.to_owned(),
        state: String::new(),
        code_challenge: hashed(phone_sign_in::VERIFIER.as_bytes()),
        purpose,
        account_id: Some(account.to_owned()),
        expires_at: now + 600,
        given: given_by(Giver::DeviceKey("a key".to_owned()), now),
    };
    let (id, given) = (hashed(code.as_bytes()), given_by(by, now));
    world.put(&RegistrationCode { id, registration, expires_at: now + 60, token: None, given });
    code
}

fn adds(phone: &Phone) -> Purpose {
    let text = String::new;
    Purpose::AddPhone(NewPhone {
        jkt: phone.jwk.thumbprint(),
        name: text(),
        model: text(),
        digits: text(),
        wrong_digits: 0,
    })
}

#[tokio::test]
async fn phone_gets_a_token_only_for_its_own_unused_code() {
    let world = World::new().await;
    let turn_on = Purpose::TurnOn { device_id: world.phone.device_id.clone() };
    let new = new_phone();
    let by = || Giver::Approval("an approval".to_owned());
    let of_device = put_phone_code(&world, turn_on.clone(), &world.alice, by());
    let of_new = put_phone_code(&world, adds(&new), &world.carol, world.password(&world.carol));
    for (phone, code, table) in [(&world.phone, of_device, "registration_tokens"), (&new, of_new, "phone_tokens")] {
        let right = redemption(&code);
        for (what, sender, form) in [
            ("another phone", &world.second, right.clone()),
            ("another person's phone", &world.bobs, right.clone()),
            ("another verifier", phone, but(&right, "code_verifier", Some(VERIFIER))),
            ("another redirect URI", phone, but(&right, "redirect_uri", Some(RETURN))),
            ("another code", phone, but(&right, "code", Some("AAAAAAAAAAAAAAAAAAAAAA"))),
        ] {
            let before = world.dump();
            assert_refused(&world, &before, &tried(what, &sender.redeem(&world.service, &form).await), &[]);
        }
        let before = world.dump();
        assert_refused(&world, &before, &tried("no proof", &world.service.form("/token", &right, &[]).await), &[]);
        let id = hashed(code.as_bytes());
        world.change::<RegistrationCode>(&id, |code| code.expires_at -= 60);
        let before = world.dump();
        assert_refused(&world, &before, &tried("expired", &phone.redeem(&world.service, &right).await), &[]);
        world.change::<RegistrationCode>(&id, |code| code.expires_at += 60);
        let before = world.dump();
        assert_done(&world, &before, &tried("the right code", &phone.redeem(&world.service, &right).await), table);
        let before = world.dump();
        let answer = phone.redeem(&world.service, &right).await;
        assert_refused(&world, &before, &tried("a used code", &answer), &[table]);
    }
    for (what, account, by) in [
        ("an older password", &world.carol, Giver::Password(1)),
        ("an unknown pass", &world.carol, Giver::Pass("unknown".to_owned())),
        ("an unknown approval", &world.alice, by()),
        ("a password of an account with a phone", &world.alice, world.password(&world.alice)),
    ] {
        let phone = new_phone();
        let code = put_phone_code(&world, adds(&phone), account, by);
        let before = world.dump();
        assert_refused(&world, &before, &tried(what, &phone.redeem(&world.service, &redemption(&code)).await), &[]);
    }
    super::phones::remove(&world, &world.phone);
    let code = put_phone_code(&world, turn_on, &world.alice, by());
    let before = world.dump();
    let answer = world.phone.redeem(&world.service, &redemption(&code)).await;
    assert_refused(&world, &before, &tried("a removed phone", &answer), &[]);
}

#[tokio::test]
async fn pushed_request_is_stored_only_for_the_key_that_signed_it() {
    let world = World::new().await;
    let (phone, new) = (&world.phone, new_phone());
    for (what, sender, form) in [
        ("the key of another phone", &world.second, phone.pushed()),
        ("a new key that turns on", &new, new.pushed()),
        ("a device that is added again", phone, phone.introduced()),
        ("another key that is added", &world.second, new.introduced()),
    ] {
        let before = world.dump();
        assert_refused(&world, &before, &tried(what, &sender.push(&world.service, &form).await), &[]);
    }
    let before = world.dump();
    let answer = world.service.form("/par", &phone.pushed(), &[]).await;
    assert_refused(&world, &before, &tried("no proof", &answer), &[]);
    for (sender, form) in [(phone, phone.pushed()), (&new, new.introduced())] {
        let before = world.dump();
        let answer = sender.push(&world.service, &form).await;
        assert_done(&world, &before, &tried("the right key", &answer), "registrations");
    }
    super::phones::remove(&world, phone);
    let before = world.dump();
    let answer = phone.push(&world.service, &phone.pushed()).await;
    assert_refused(&world, &before, &tried("a removed phone", &answer), &[]);
}

fn put_api_token(world: &World, owner: &str, scope: TokenScope) -> (String, String) {
    let (token, now) = (random_id().unwrap(), world.now());
    let (id, name) = (hashed(token.as_bytes()), "a token".to_owned());
    let (account_id, given) = (owner.to_owned(), Given::by_operator(now));
    world.put(&ApiToken { id: id.clone(), account_id, name, scope, expires_at: now + 60, given });
    (token, id)
}

async fn patches(world: &World, token: Option<&str>) -> Try {
    let mut request = Request::patch("/api/policy");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::from("{\"isSoftwareOathEnabled\": false}")).unwrap();
    let answer = world.browser().send(request).await;
    Try { what: "PATCH /api/policy".to_owned(), status: answer.status, text: text_of(&answer) }
}

#[tokio::test]
async fn policy_is_changed_only_by_a_token_of_an_administrator_that_allows_it() {
    let world = World::new().await;
    let (token, id) = put_api_token(&world, &world.alice, TokenScope::ChangePolicy);
    let (reads, _) = put_api_token(&world, &world.alice, TokenScope::ReadPolicy);
    let (of_bob, _) = put_api_token(&world, &world.bob, TokenScope::ChangePolicy);
    for wrong in [None, Some("AAAAAAAAAAAAAAAAAAAAAA"), Some(id.as_str()), Some(&reads), Some(&of_bob)] {
        let before = world.dump();
        assert_refused(&world, &before, &patches(&world, wrong).await, &[]);
    }
    let flaws: [fn(&World, &str); 2] = [
        |world, _| world.change::<Person>(&world.alice, |alice| alice.suspended = !alice.suspended),
        |world, id| {
            let other = if world.get::<ApiToken>(id).unwrap().expires_at > world.now() { 0 } else { i64::MAX };
            world.change::<ApiToken>(id, |token| token.expires_at = other);
        },
    ];
    for flaw in flaws {
        flaw(&world, &id);
        let before = world.dump();
        assert_refused(&world, &before, &patches(&world, Some(&token)).await, &[]);
        flaw(&world, &id);
    }
    let before = world.dump();
    assert_done(&world, &before, &patches(&world, Some(&token)).await, "policy");
}

#[tokio::test]
async fn api_token_is_revoked_only_by_its_owner_in_an_approved_session() {
    let world = World::new().await;
    let given = Given::by_operator(world.now());
    world.change::<Person>(&world.bob, |bob| bob.give_role(given.clone()));
    let (_, mine) = put_api_token(&world, &world.alice, TokenScope::ChangePolicy);
    let (_, of_bob) = put_api_token(&world, &world.bob, TokenScope::ChangePolicy);
    let by_password = world.session(&world.alice, Used::Password, world.password(&world.alice)).0;
    let approved = || world.approved_session(&world.alice).0;
    for (what, mut browser, token) in [
        ("no session", world.browser(), &mine),
        ("a password alone", by_password, &mine),
        ("another administrator's token", approved(), &of_bob),
        ("no administrator", world.approved_session(&world.carol).0, &mine),
    ] {
        let before = world.dump();
        let answer = submit(&mut browser, "/admin/api-tokens/revoke", &[("token", token)]).await;
        let tried = Try { what: what.to_owned(), status: answer.status, text: text_of(&answer) };
        assert_refused(&world, &before, &tried, &[]);
    }
    submit(&mut approved(), "/admin/api-tokens/revoke", &[("token", &mine)]).await;
    assert!(world.get::<ApiToken>(&mine).is_none());
}
