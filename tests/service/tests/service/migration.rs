//! Opens the frozen databases of older versions, and uses what is in them: pages, phones, tokens and records.

mod frozen;

use std::path::Path;

use axum::body::Body;
use axum::http::{Request, header};
use countersign_service::devices::device::{Device, State};
use countersign_service::grants;
use countersign_service::openid::records::Token;
use countersign_service::people::records as people;
use countersign_service::prompts::ceremony::{Ceremony, Outcome};
use countersign_service::secrets::hashed;
use countersign_service::sign_in::records::KnownBrowser;
use countersign_service::sign_in::session::Session;
use countersign_service::store::{Store, StoreError};
use rusqlite::Connection;
use serde_json::json;

use crate::phone_endpoints::phone::{Phone, with};
use crate::phone_endpoints::phone_sign_in::redemption;
use crate::support::{Answer, Browser};
use frozen::{Frozen, database, session_of, unpacked, user_version};

const V1: &str = "v1";
const V2: &str = "v2";

/// Returns all tables with all rows.
fn content(database: &Path) -> Vec<String> {
    let connection = Connection::open(database).unwrap();
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut rows = Vec::new();
    for name in names {
        let sql = format!("SELECT number, id, parent, expires_at, body FROM {name} ORDER BY number");
        let mut select = connection.prepare(&sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| {
            let (number, id, parent): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (expires_at, body): (Option<i64>, String) = (row.get(3)?, row.get(4)?);
            Ok(format!("{name} {number} {id} {parent} {expires_at:?} {body}"))
        };
        rows.extend(select.query_map([], read).unwrap().map(Result::unwrap));
    }
    rows
}

#[test]
fn migrated_database_has_the_newest_version() {
    let (old, fresh) = (unpacked(V1), tempfile::tempdir().unwrap());
    assert_eq!(user_version(&database(&old)), 1);
    drop((Store::sqlite(&database(&old)).unwrap(), Store::sqlite(&database(&fresh)).unwrap()));
    assert_eq!(user_version(&database(&old)), user_version(&database(&fresh)));
    assert!(user_version(&database(&old)) > 1);
}

#[test]
fn opening_a_migrated_database_again_changes_nothing() {
    let old = unpacked(V1);
    let before = content(&database(&old));
    drop(Store::sqlite(&database(&old)).unwrap());
    let (version, migrated) = (user_version(&database(&old)), content(&database(&old)));
    assert_eq!(before.len(), migrated.len(), "a migration step added or removed a row");
    assert_ne!(before, migrated);
    drop(Store::sqlite(&database(&old)).unwrap());
    assert_eq!((user_version(&database(&old)), content(&database(&old))), (version, migrated));
}

#[test]
fn database_of_a_newer_version_is_refused_and_unchanged() {
    let old = unpacked(V1);
    drop(Store::sqlite(&database(&old)).unwrap());
    let newer = user_version(&database(&old)) + 1;
    Connection::open(database(&old)).unwrap().pragma_update(None, "user_version", newer).unwrap();
    let before = content(&database(&old));
    assert!(matches!(Store::sqlite(&database(&old)), Err(StoreError::Newer)));
    assert_eq!((user_version(&database(&old)), content(&database(&old))), (newer, before));
}

/// Types a user name on the first page of a sign-in.
async fn named(browser: &mut Browser, name: &str) -> Answer {
    browser.get("/sign-in").await;
    let answer = browser.post("/sign-in", &[("user_name", name)]).await;
    browser.follow(answer).await
}

async fn typed_password(browser: &mut Browser, name: &str, password: &str) -> Answer {
    named(browser, name).await;
    browser.get("/sign-in/password").await;
    let answer = browser.post("/sign-in/password", &[("password", password)]).await;
    browser.follow(answer).await
}

async fn typed_pass(browser: &mut Browser, name: &str, pass: &str) -> Answer {
    named(browser, name).await;
    browser.get("/sign-in/pass").await;
    let answer = browser.post("/sign-in/pass", &[("pass", pass)]).await;
    browser.follow(answer).await
}

async fn posted(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = browser.post(path, fields).await;
    browser.follow(answer).await
}

#[tokio::test]
async fn alice_signs_in_with_phone_and_sign_in_key_in_the_known_browser() {
    let frozen = Frozen::opened(V1).await;
    let mut browser = Frozen::without_session(frozen.browser_of("alice"));
    let page = named(&mut browser, "alice").await;
    assert_eq!(page.page(), "number", "{}", page.body);
    assert_eq!(page.after("data-number=\"").len(), 2, "the browser is no longer known");
    assert_eq!(frozen.approve("alice", "phone_sign_in", &page).await, "approved");
    assert_eq!(posted(&mut browser, "/sign-in/finish", &[]).await.page(), "security-info");
    let session: Session = frozen.stored(&session_of(&browser)).unwrap();
    assert_eq!(session.account_id, frozen.person("alice").account_id);
}

#[tokio::test]
async fn bob_signs_in_with_password_and_number() {
    let frozen = Frozen::opened(V1).await;
    let mut browser = Frozen::without_session(frozen.browser_of("bob"));
    let page = typed_password(&mut browser, "bob", &frozen.text("/people/1/password")).await;
    assert_eq!(page.page(), "number", "{}", page.body);
    assert_eq!(frozen.approve("bob", "second_factor", &page).await, "approved");
    assert_eq!(posted(&mut browser, "/sign-in/finish", &[]).await.page(), "security-info");
    let session: Session = frozen.stored(&session_of(&browser)).unwrap();
    assert_eq!(session.account_id, frozen.person("bob").account_id);
}

#[tokio::test]
async fn sign_in_that_waited_for_its_number_continues() {
    let frozen = Frozen::opened(V1).await;
    let mut browser = frozen.browser_of("alice_waiting_for_number");
    let answer = browser.get("/sign-in/number").await;
    let page = browser.follow(answer).await;
    assert_eq!(page.after("data-number=\""), frozen.text("/ceremonies/alice_live/number"));
    assert_eq!(frozen.approve("alice", "second_factor", &page).await, "approved");
    assert_eq!(posted(&mut browser, "/sign-in/finish", &[]).await.page(), "security-info");
}

#[tokio::test]
async fn sessions_of_alice_and_dave_still_work() {
    let frozen = Frozen::opened(V1).await;
    let mut alice = frozen.browser_of("alice");
    assert_eq!(alice.get("/security-info").await.page(), "security-info");
    let mut dave = frozen.browser_of("dave");
    assert_eq!(dave.get("/admin").await.page(), "admin-people");
    assert_eq!(alice.get("/admin").await.page(), "no-administrator");
}

async fn policy_read_with(frozen: &Frozen, token: &str) -> Answer {
    let request = Request::get("/api/policy").header(header::AUTHORIZATION, format!("Bearer {token}"));
    frozen.browser().send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn api_token_of_dave_still_reads_the_policy() {
    let frozen = Frozen::opened(V1).await;
    let read = policy_read_with(&frozen, &frozen.text("/api_token/token")).await;
    assert_eq!((read.status, read.json()["state"].as_str()), (200, Some("enabled")));
}

#[tokio::test]
async fn unused_pass_of_frank_adds_a_phone() {
    let frozen = Frozen::opened(V1).await;
    let mut browser = frozen.browser();
    let page = typed_pass(&mut browser, "frank", &frozen.text("/passes/frank_unused")).await;
    assert_eq!(page.page(), "security-info", "{}", page.body);
    assert_eq!(posted(&mut browser, "/security-info/add", &[]).await.page(), "install");
    assert_eq!(posted(&mut browser, "/security-info/add/start", &[]).await.page(), "code");
    let session: Session = frozen.stored(&session_of(&browser)).unwrap();
    let code = frozen.service.code_of(session.enrollment.unwrap(), &session.id).await;
    let mut phone = Phone::new(60);
    phone.bind(&frozen.service, &code).await;
    browser.get("/security-info/add/code").await;
    let page = posted(&mut browser, "/security-info/add/digits", &[("digits", &phone.digits(&code))]).await;
    assert_eq!(page.page(), "confirm", "{}", page.body);
    assert_eq!(frozen.phones("frank").iter().map(|device| &device.id).collect::<Vec<_>>(), [&phone.device_id]);
}

#[tokio::test]
async fn open_enrollment_of_carol_adds_no_phone() {
    let frozen = Frozen::opened(V1).await;
    let (mut browser, code, mut phone) = (frozen.browser_of("carol"), frozen.code("carol_open"), Phone::new(60));
    assert_eq!(browser.get("/security-info/add/code").await.page(), "code");
    let look_up = phone.look_up(&code, "AAAAAAAAAAAAAAAAAAAAAA").to_string();
    assert_eq!(frozen.service.post("look-up", look_up).await.problem(), "enrollment-cancelled");
    let bind = phone.sign(&phone.bind_header(), &phone.bind_claims(&frozen.service, &code));
    assert_eq!(frozen.service.post("enrollment", bind).await.problem(), "enrollment-cancelled");
    assert_eq!(browser.get("/security-info/add/code").await.page(), "over");
    assert_eq!(frozen.phones("carol").len(), 0);
    // The password of the session allows a new enrollment.
    assert_eq!(posted(&mut browser, "/security-info/add/start", &[]).await.page(), "code");
    let session: Session = frozen.stored(&session_of(&browser)).unwrap();
    let code = frozen.service.code_of(session.enrollment.unwrap(), &session.id).await;
    phone.bind(&frozen.service, &code).await;
}

#[tokio::test]
async fn bound_enrollment_of_heidi_adds_no_phone() {
    let frozen = Frozen::opened(V1).await;
    let (mut browser, phone) = (frozen.browser_of("heidi"), frozen.phone("heidi"));
    assert_eq!(browser.get("/security-info/add/code").await.page(), "digits");
    let digits = frozen.text("/enrollments/heidi_bound/digits");
    assert_eq!(posted(&mut browser, "/security-info/add/digits", &[("digits", &digits)]).await.page(), "over");
    assert_eq!(frozen.phones("heidi").len(), 0);
    let device: Device = frozen.stored(&phone.device_id).unwrap();
    assert!(matches!(device.state, State::Removed(_)));
    let state = phone.state(&frozen.service, "prompts", Phone::fetch("pending", &[], 0)).await;
    assert_eq!((state["status"].as_str(), state["cause"].as_str()), (Some("removed"), Some("cancelled")));
}

#[tokio::test]
async fn ivan_at_the_consent_page_adds_no_phone() {
    let frozen = Frozen::opened(V1).await;
    let mut browser = frozen.browser_of("ivan_at_consent");
    let answer = browser.get("/register-phone").await;
    let page = browser.follow(answer).await;
    assert_eq!((page.status, page.page().as_str()), (200, "user-name"), "{}", page.body);
    let digits = frozen.text("/registrations/digits");
    let page = posted(&mut browser, "/register-phone", &[("digits", &digits)]).await;
    assert_eq!((page.status, page.page().as_str()), (200, "stale-registration"), "{}", page.body);
    assert_eq!(frozen.phones("ivan").len(), 0);
}

#[tokio::test]
async fn phone_token_of_judy_adds_no_phone() {
    let frozen = Frozen::opened(V1).await;
    let token = json!({"access_token": frozen.text("/registrations/judy_phone_token/access_token")});
    let phone = frozen.phone("judy");
    for _again in 0..2 {
        let refused = phone.add(&frozen.service, &phone.add_claims(&frozen.service, &token)).await;
        assert_eq!((refused.status, refused.problem().as_str()), (410, "enrollment-cancelled"));
    }
    assert_eq!(frozen.phones("judy").len(), 0);
}

#[tokio::test]
async fn code_of_kim_gives_no_token() {
    let frozen = Frozen::opened(V1).await;
    let form = redemption(&frozen.text("/registrations/kim_add_phone_code"));
    let refused = frozen.phone("kim").redeem(&frozen.service, &form).await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(frozen.phones("kim").len(), 0);
}

#[tokio::test]
async fn session_of_grace_by_a_typed_pass_asks_for_a_new_pass() {
    let frozen = Frozen::opened(V1).await;
    let mut browser = frozen.browser_of("grace");
    assert_eq!(browser.get("/security-info").await.page(), "security-info");
    assert_eq!(posted(&mut browser, "/security-info/add", &[]).await.page(), "pass-needed");
    assert_eq!(posted(&mut browser, "/security-info/add/start", &[]).await.page(), "pass-needed");
    let refused = typed_pass(&mut frozen.browser(), "grace", &frozen.text("/passes/grace_typed")).await;
    assert!(refused.body.contains("already used"), "{}", refused.body);
    assert_eq!(frozen.phones("grace").len(), 0);
}

#[tokio::test]
async fn erin_stays_suspended() {
    let frozen = Frozen::opened(V1).await;
    assert!(frozen.person("erin").suspended);
    let state = frozen.phone("erin").state(&frozen.service, "prompts", Phone::fetch("ok", &[], 0)).await;
    assert_eq!(state["status"], "suspended");
    let page = typed_password(&mut frozen.browser(), "erin", &frozen.text("/people/4/password")).await;
    assert_eq!(page.page(), "password");
}

#[tokio::test]
async fn reported_ceremony_of_bob_stays_reported() {
    let frozen = Frozen::opened(V1).await;
    let id = frozen.text("/ceremonies/bob_reported");
    assert_eq!(frozen.stored::<Ceremony>(&id).unwrap().outcome, Some(Outcome::Reported));
    let answer = frozen.browser_of("bob_reported").get("/security-info").await;
    assert_eq!(answer.location(), Some("/sign-in"), "the session that was ended by the report works again");
    assert_eq!(frozen.phone("bob").report(&frozen.service, &frozen.prompt_of(&id)).await, "reported");
    let mut browser = frozen.browser_of("bob");
    assert_eq!(browser.get("/security-info").await.page(), "security-info", "the repeated report ended a session");
    // The report was about a browser that had the password, so the password is refused in unknown browsers.
    assert!(frozen.person("bob").reported_at.is_some());
}

#[tokio::test]
async fn report_of_an_older_approval_ends_what_it_gave() {
    let frozen = Frozen::opened(V1).await;
    let mut browser = frozen.browser_of("alice");
    let (session, account) = (session_of(&browser), frozen.person("alice").account_id);
    let known = KnownBrowser::id_of(&browser.cookies["__Host-browser"], &account);
    let token = hashed(frozen.text("/openid/access_token").as_bytes());
    assert!(frozen.stored::<Session>(&session).is_some() && frozen.stored::<KnownBrowser>(&known).is_some());
    assert!(frozen.stored::<Token>(&token).is_some());
    let prompt = frozen.prompt_of(&frozen.text("/ceremonies/alice_phone_sign_in_redeemed"));
    assert_eq!(frozen.phone("alice").report(&frozen.service, &prompt).await, "reported");
    assert!(frozen.stored::<Session>(&session).is_none(), "the session that the approval gave continues");
    assert!(frozen.stored::<KnownBrowser>(&known).unwrap().forgotten, "the browser is still known");
    assert!(frozen.stored::<Token>(&token).is_none(), "an application's token outlived its session");
    assert_eq!(browser.get("/security-info").await.location(), Some("/sign-in"));
    assert_eq!(frozen.phones("alice").len(), 1);
}

/// Adds a phone with the code of an open enrollment, in the wizard of a browser.
async fn continued(frozen: &Frozen, browser: &str, code: &str) -> Answer {
    let (mut browser, mut phone, code) = (frozen.browser_of(browser), Phone::new(60), frozen.code(code));
    assert_eq!(browser.get("/security-info/add/code").await.page(), "code");
    phone.bind(&frozen.service, &code).await;
    browser.get("/security-info/add/code").await;
    posted(&mut browser, "/security-info/add/digits", &[("digits", &phone.digits(&code))]).await
}

#[tokio::test]
async fn all_accounts_of_frozen_databases_are_read() {
    for (version, people) in [(V1, 11), (V2, 12)] {
        let frozen = Frozen::opened(version).await;
        let listed = frozen.service.app.store.global_blocking(|tx| {
            let everybody = people::everybody(tx)?.into_iter();
            everybody.map(|one| grants::of(tx, &one.account_id, frozen.service.now())).collect::<Result<Vec<_>, _>>()
        });
        let listed = listed.unwrap();
        assert_eq!(listed.len(), people, "{version}");
        assert!(listed.iter().all(|grants| !grants.is_empty()), "{version}");
    }
}

#[tokio::test]
async fn enrollments_of_version_2_continue() {
    for (person, code) in [("frank", "frank_by_pass"), ("carol", "carol_by_password"), ("bob", "bob_by_approval")] {
        let frozen = Frozen::opened(V2).await;
        let before = frozen.phones(person).len();
        let page = continued(&frozen, person, code).await;
        assert_eq!(page.page(), "confirm", "{person}: {}", page.body);
        assert_eq!(frozen.phones(person).len(), before + 1);
    }
}

#[tokio::test]
async fn addings_by_signing_in_of_version_2_continue() {
    let frozen = Frozen::opened(V2).await;
    let (service, judy, kim) = (&frozen.service, frozen.phone("judy"), frozen.phone("kim"));
    let token = json!({"access_token": frozen.text("/registrations/judy_phone_token/access_token")});
    assert_eq!(judy.add(service, &judy.add_claims(service, &token)).await.status, 200);
    let token = kim.redeem(service, &redemption(&frozen.text("/registrations/kim_add_phone_code"))).await.json();
    assert_eq!(kim.add(service, &kim.add_claims(service, &token)).await.status, 200);
    let mut ivan = frozen.browser_of("ivan_at_consent");
    let answer = ivan.get("/register-phone").await;
    assert_eq!(ivan.follow(answer).await.page(), "add-phone");
    let page = posted(&mut ivan, "/register-phone", &[("digits", &frozen.text("/registrations/digits"))]).await;
    assert!(page.leads_to().contains("code="));
}

#[tokio::test]
async fn administrators_of_version_2_continue() {
    let frozen = Frozen::opened(V2).await;
    let page = frozen.browser_of("dave").get("/admin/approve").await;
    assert_eq!(page.after("data-number=\""), frozen.text("/ceremonies/dave_act_live/number"));
    let fetch = with(Phone::fetch("ok", &[], 0), "features", json!(["administration"]));
    let state = frozen.phone("dave").state(&frozen.service, "prompts", fetch).await;
    assert_eq!(state["prompts"], json!([frozen.prompt_of(&frozen.text("/ceremonies/dave_act_live/id"))]));
    let token = frozen.text("/reading_api_token/token");
    assert_eq!(policy_read_with(&frozen, &token).await.status, 200);
}
