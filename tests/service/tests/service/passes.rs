//! Tests temporary access passes: when they are valid, and what they allow.

use crate::support::{Answer, Browser, PASSWORD, service};
use countersign_service::admin::acts::Done;
use countersign_service::app::App;
use countersign_service::clock::{DAY, HOUR, Time};
use countersign_service::operator;
use countersign_service::passes::acts as passes;
use countersign_service::passes::pass::Pass;
use countersign_service::passes::rules::{Span, TIME_TO_ADD, Worth, worth};
use countersign_service::people::records as people;
use countersign_service::policy::document::{Bootstrap, Policy};
use countersign_service::policy::records::keep;
use countersign_service::prompts::change::Act;
use countersign_service::provenance::Given;

fn made(app: &App, starts_in: i64) -> String {
    let now = app.clock.now();
    let made = operator::administer(&app.store, "alice", Act::MakePass, now).unwrap();
    let Done::Pass(made) = made else { panic!("no pass was made") };
    // The pages and the operator's commands make passes that are valid immediately.
    let id = Pass::id_of(&made.account_id, &made.text.replace('-', ""));
    let later = |pass: &mut Pass| (pass.starts_at, pass.ends_at) = (now + starts_in, now + starts_in + HOUR);
    app.store.global_blocking(|tx| tx.update(&id, later)).unwrap().granted().unwrap();
    made.text
}

async fn typed(app: &App, name: &str, pass: &str) -> (Browser, Answer) {
    let mut browser = Browser::new(app);
    browser.get("/sign-in").await;
    browser.post("/sign-in", &[("user_name", name)]).await;
    browser.get("/sign-in/pass").await;
    let answer = browser.post("/sign-in/pass", &[("pass", pass)]).await;
    let answer = browser.follow(answer).await;
    (browser, answer)
}

/// A pass of Alice's that is valid from 100 to 200.
fn pass(used_at: Option<Time>) -> Pass {
    Pass {
        id: String::new(),
        account_id: "alice".to_owned(),
        starts_at: 100,
        ends_at: 200,
        used_at,
        spent_at: None,
        given: Given::unrecorded(100),
    }
}

#[test]
fn pass_works_once_within_its_time() {
    let at = |used_at, now| worth(&pass(used_at), now);
    assert_eq!([at(None, 99), at(None, 100), at(None, 199)], [Worth::NotYet, Worth::Good, Worth::Good]);
    assert_eq!([at(None, 200), at(Some(150), 160), at(Some(150), 300)], [Worth::Expired, Worth::Used, Worth::Used]);
}

#[test]
fn pass_life_is_at_most_one_hour() {
    let allowed = |starts_at, life| Span { starts_at, life }.is_allowed(1_000);
    assert!(allowed(1_000, HOUR) && allowed(1_000, 60) && allowed(1_000 + 86_400, HOUR));
    assert!(!allowed(1_000, HOUR + 1) && !allowed(1_000, 59) && !allowed(999, HOUR) && !allowed(1_000, -60));
    assert!(
        allowed(1_000 + 30 * DAY, HOUR) && !allowed(1_000 + 30 * DAY + 1, HOUR),
        "the latest start of a pass is not 30 days from now"
    );
}

/// For a day after its end, a pass is reported as expired. After that day, the pass is deleted and unknown.
#[test]
fn expired_pass_is_kept_for_a_day() {
    let (app, _) = service();
    let (pass, now) = (made(&app, 0), app.clock.now());
    let swept = |now| {
        app.store.global_blocking(|tx| {
            tx.sweep(now)?;
            let account = people::find(tx, "alice")?.unwrap().account_id;
            Ok(passes::take(tx, &account, &pass, now)?.0)
        })
    };
    let end = now + HOUR + DAY;
    assert_eq!([swept(end - 1).unwrap(), swept(end + 1).unwrap()], [Worth::Expired, Worth::Unknown]);
}

#[tokio::test]
async fn j5_w1_page_says_why_a_pass_is_refused() {
    let (app, clock) = service();
    let early = made(&app, 600);
    assert!(typed(&app, "alice", &early).await.1.body.contains("not valid yet"));
    clock.advance(600);
    let (_, page) = typed(&app, "alice", &early.to_lowercase().replace('-', " ")).await;
    assert_eq!(page.page(), "security-info", "case or separators were not ignored");
    assert!(typed(&app, "alice", &early).await.1.body.contains("already used"));
    let late = made(&app, 0);
    clock.advance(HOUR);
    assert!(typed(&app, "alice", &late).await.1.body.contains("expired"));
    let (older, newer) = (made(&app, 0), made(&app, 0));
    assert!(
        typed(&app, "alice", &older).await.1.body.contains("don&#39;t match"),
        "the newer pass did not end the older one"
    );
    assert_eq!(typed(&app, "alice", &newer).await.1.page(), "security-info");
}

#[tokio::test]
async fn another_persons_pass_looks_like_a_wrong_one() {
    let (app, _) = service();
    operator::add_person(&app.store, "bob", "Bob", PASSWORD, app.clock.now()).unwrap();
    let pass = made(&app, 0);
    let mut said = Vec::new();
    for (name, text) in [("bob", pass.as_str()), ("nobody", pass.as_str()), ("alice", "AAAA-BBBB-CCCC"), ("alice", "?")]
    {
        let (browser, answer) = typed(&app, name, text).await;
        said.push((answer.status, browser.words(&answer).replace(name, "")));
    }
    assert!(said.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(typed(&app, "alice", &pass).await.1.page(), "security-info", "a refused try made the pass invalid");
}

#[tokio::test]
async fn suspended_person_can_not_use_a_pass() {
    let (app, _) = service();
    let pass = made(&app, 0);
    app.store
        .global_blocking(|tx| {
            let mut alice = people::find(tx, "alice")?.unwrap();
            alice.suspended = true;
            tx.insert_or_update(&alice, |stored| *stored = alice.clone())
        })
        .unwrap();
    assert!(typed(&app, "alice", &pass).await.1.body.contains("don&#39;t match"));
}

#[tokio::test]
async fn pass_adds_a_phone_and_nothing_else() {
    let (app, clock) = service();
    let (mut browser, _) = typed(&app, "alice", &made(&app, 0)).await;
    let page = browser.post("/security-info/add", &[]).await;
    assert_eq!(browser.follow(page).await.page(), "install");
    let query = "client_id=web&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fweb.example%2Fcallback";
    let asked = browser.get(&format!("/authorize?{query}")).await;
    assert_ne!(asked.location().map(|to| to.contains("code=")), Some(true), "{:?}", asked.location());
    let turned = browser.get("/admin").await;
    assert_eq!(turned.location(), Some("/security-info"));
    clock.advance(600);
    assert_eq!(
        browser.get("/security-info").await.page(),
        "security-info",
        "the session lost access after ten minutes, although the account has no phone"
    );
}

#[tokio::test]
async fn password_adds_no_first_phone_if_policy_requires_a_pass() {
    let (app, clock) = service();
    let now = app.clock.now();
    let mut policy = Policy::usual();
    policy.countersign.bootstrap = Bootstrap::Pass;
    let mut earlier = Browser::signed_in(&app, false);
    app.store.global_blocking(|tx| keep(tx, policy.clone(), Given::by_operator(now), "", now)).unwrap();
    earlier.get("/security-info").await;
    assert_eq!(
        earlier.post("/security-info/add", &[]).await.page(),
        "pass-needed",
        "a session from before the policy change added a phone without a pass"
    );
    assert_eq!(earlier.post("/security-info/add/start", &[]).await.page(), "pass-needed");
    let mut browser = Browser::new(&app);
    browser.get("/sign-in").await;
    browser.post("/sign-in", &[("user_name", "alice")]).await;
    browser.get("/sign-in/password").await;
    assert_eq!(browser.post("/sign-in/password", &[("password", PASSWORD)]).await.page(), "pass-needed");
    clock.advance(60);
    let (mut browser, page) = typed(&app, "alice", &made(&app, 0)).await;
    assert_eq!(page.page(), "security-info");
    let page = browser.post("/security-info/add", &[]).await;
    assert_eq!(browser.follow(page).await.page(), "install");
}

#[test]
fn a_typed_pass_adds_no_phone_long_after_its_end() {
    let typed = pass(Some(150));
    let last = typed.ends_at + TIME_TO_ADD - 1;
    assert!(typed.is_typed_for("alice", last));
    assert!(!typed.is_typed_for("alice", last + 1));
    assert!(!typed.is_typed_for("bob", last));
}
