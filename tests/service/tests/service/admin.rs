//! Tests the administrator's pages: access, changes, and refusals.

use crate::support::{Answer, Browser, PASSWORD, add_phone, service};
use countersign_service::app::App;
use countersign_service::operator;
use countersign_service::operator::{FIRST_NAME, first_administrator, set_administrator};
use countersign_service::people::person::Person;
use countersign_service::people::records as people;
use countersign_service::policy::records::{current, groups};
use serde_json::json;

const PAGES: [&str; 4] = ["/admin", "/admin/groups", "/admin/policy", "/admin/api-tokens"];

fn person(app: &App, name: &str) -> Person {
    app.store.global_blocking(|tx| people::find(tx, name)).unwrap().unwrap()
}

/// Returns a service with Alice and Bob, and the browser of Alice, who is an administrator.
async fn administered() -> (App, Browser) {
    let (app, _) = service();
    operator::add_person(&app.store, "bob", "Bob", PASSWORD, app.clock.now()).unwrap();
    set_administrator(&app.store, "alice", true, app.clock.now()).unwrap();
    add_phone(&app);
    let mut browser = Browser::signed_in(&app, true);
    assert_eq!(browser.get("/admin").await.page(), "admin-people");
    (app, browser)
}

/// Asks for a change of a person, and approves it.
async fn act(app: &App, browser: &mut Browser, account: &str, act: &str, about: &str) -> Answer {
    browser.get("/admin").await;
    let answer = browser.post("/admin/person", &[("account", account), ("act", act), ("about", about)]).await;
    browser.approved(app, answer).await
}

/// Sends a form of an administrator's page, and approves what it asks for.
async fn send(app: &App, browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    browser.get("/admin").await;
    let answer = browser.post(path, fields).await;
    browser.approved(app, answer).await
}

#[tokio::test]
async fn j1_w4_admin_pages_need_an_approved_administrator_session() {
    let (app, _) = service();
    let mut anybody = Browser::signed_in(&app, true);
    for page in PAGES {
        assert_eq!(Browser::new(&app).get(page).await.location(), Some("/sign-in"), "{page}");
        let answer = anybody.get(page).await;
        assert_eq!((answer.status, answer.page().as_str()), (403, "no-administrator"), "{page}");
    }
    anybody.get("/security-info").await;
    for (path, fields) in [
        ("/admin/people", vec![("user_name", "eve"), ("name", "Eve")]),
        ("/admin/groups", vec![("name", "Eve's")]),
        ("/admin/policy", vec![("policy", "{\"state\": \"disabled\"}")]),
        ("/admin/person", vec![("account", "x"), ("act", "administrator")]),
        ("/admin/api-tokens", vec![("name", "Eve's")]),
        ("/admin/api-tokens/revoke", vec![("token", "x")]),
    ] {
        assert_eq!(anybody.post(path, &fields).await.status, 403, "{path}");
    }
    set_administrator(&app.store, "alice", true, app.clock.now()).unwrap();
    let mut by_password = Browser::signed_in(&app, false);
    assert_eq!(by_password.get("/admin").await.location(), Some("/security-info"), "a password alone opened the page");
    assert_eq!(anybody.get("/admin").await.page(), "admin-people");
    app.store
        .global_blocking(|tx| {
            let mut alice = people::find(tx, "alice")?.unwrap();
            alice.suspended = true;
            tx.insert_or_update(&alice, |stored| *stored = alice.clone())
        })
        .unwrap();
    assert_eq!(anybody.get("/admin").await.status, 403, "a suspended administrator opened the page");
}

#[tokio::test]
async fn added_person_must_choose_a_new_password() {
    let (app, mut browser) = administered().await;
    let page = send(&app, &mut browser, "/admin/people", &[("user_name", "carol"), ("name", "Carol")]).await;
    let password = page.body.split("id=\"made-password\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let mut carol = Browser::new(&app);
    carol.get("/sign-in").await;
    carol.post("/sign-in", &[("user_name", "carol")]).await;
    carol.get("/sign-in/password").await;
    let page = carol.post("/sign-in/password", &[("password", &password)]).await;
    assert_eq!(carol.follow(page).await.page(), "new-password");
    for path in ["/security-info", "/more-information", "/sign-in/number", "/admin"] {
        assert_eq!(carol.get(path).await.location(), Some("/sign-in"), "{path}: opened after the first password alone");
    }
    let long = "four words in a row";
    for (first, second) in [("short", "short"), (long, "another of them"), (password.as_str(), password.as_str())] {
        carol.get("/new-password").await;
        let page = carol.post("/new-password", &[("password", first), ("again", second)]).await;
        assert_eq!(page.page(), "new-password", "{first}");
        assert!(page.body.contains("id=\"problem\""));
    }
    let page = carol.post("/new-password", &[("password", long), ("again", long)]).await;
    assert_eq!(carol.follow(page).await.page(), "security-info");
    let mut again = Browser::new(&app);
    again.get("/sign-in").await;
    again.post("/sign-in", &[("user_name", "carol")]).await;
    again.get("/sign-in/password").await;
    assert_eq!(
        again.post("/sign-in/password", &[("password", &password)]).await.page(),
        "password",
        "the first password worked twice"
    );
    let taken = send(&app, &mut browser, "/admin/people", &[("user_name", " Carol "), ("name", "Another")]).await;
    assert!(taken.body.contains("already has that user name"));
}

#[tokio::test]
async fn first_administrator_is_created_only_in_an_empty_store() {
    let (app, _) = service();
    assert_eq!(
        first_administrator(&app.store, app.clock.now()).unwrap(),
        None,
        "created an administrator in a store that has a person"
    );
    let empty = countersign_service::store::Store::memory();
    let password = first_administrator(&empty, 0).unwrap().unwrap();
    let first = empty.global_blocking(|tx| people::find(tx, FIRST_NAME)).unwrap().unwrap();
    assert!(first.is_administrator && first.must_change_password && first.has_password(&password));
    assert_eq!(first_administrator(&empty, 0).unwrap(), None, "created a second administrator");
}

#[tokio::test]
async fn person_is_suspended_and_resumed() {
    let (app, mut browser) = administered().await;
    let bob = person(&app, "bob").account_id;
    assert_eq!(act(&app, &mut browser, &bob, "suspend", "").await.page(), "act-done");
    assert!(person(&app, "bob").suspended);
    assert!(act(&app, &mut browser, &bob, "pass", "").await.body.contains("Nothing was changed"));
    act(&app, &mut browser, &bob, "resume", "").await;
    assert!(!person(&app, "bob").suspended);
    let page = act(&app, &mut browser, &bob, "pass", "").await;
    assert_eq!(page.page(), "pass-made");
}

#[tokio::test]
async fn administrators_can_not_lock_themselves_out() {
    let (app, mut browser) = administered().await;
    let (alice, bob) = (person(&app, "alice").account_id, person(&app, "bob").account_id);
    for (account, what, about) in [
        (&alice, "suspend", ""),
        (&alice, "no-administrator", ""),
        (&alice, "remove-phones", ""),
        (&bob, "join", "no such group"),
        (&bob, "lost", "no such phone"),
        (&bob, "promote", ""),
        (&bob, "", ""),
    ] {
        let page = act(&app, &mut browser, account, what, about).await;
        assert!(page.body.contains("Nothing was changed"), "{what}");
    }
    assert!(person(&app, "alice").is_administrator && !person(&app, "alice").suspended);
    assert_eq!(act(&app, &mut browser, "nobody", "suspend", "").await.location(), Some("/admin"));
    act(&app, &mut browser, &bob, "administrator", "").await;
    assert!(person(&app, "bob").is_administrator);
    act(&app, &mut browser, &bob, "no-administrator", "").await;
    assert!(!person(&app, "bob").is_administrator);
}

#[tokio::test]
async fn person_page_shows_the_effective_policy_and_reasons() {
    let (app, mut browser) = administered().await;
    let bob = person(&app, "bob").account_id;
    send(&app, &mut browser, "/admin/groups", &[("name", "Field staff")]).await;
    assert!(
        send(&app, &mut browser, "/admin/groups", &[("name", "field staff")]).await.body.contains("no other group has")
    );
    let group = app.store.global_blocking(groups).unwrap().remove(0);
    act(&app, &mut browser, &bob, "join", &group.id).await;
    let target = |kind: &str, id: &str, mode: &str| json!({"targetType": kind, "id": id, "authenticationMode": mode});
    let of_group = target("group", &group.id, "push");
    let only_group = json!({ "includeTargets": [of_group] }).to_string();
    let refused = send(&app, &mut browser, "/admin/policy", &[("policy", &only_group)]).await;
    assert!(refused.body.contains("Include yourself"), "an administrator locked themselves out");
    let alice = target("user", &person(&app, "alice").account_id, "any");
    let policy = json!({ "includeTargets": [of_group, alice] }).to_string();
    assert_eq!(send(&app, &mut browser, "/admin/policy", &[("policy", &policy)]).await.page(), "act-done");
    let page = browser.get(&format!("/admin/person?account={bob}")).await;
    assert!(page.body.contains("after a password only") && page.body.contains(&format!("group {}", group.id)));
    act(&app, &mut browser, &bob, "leave", &group.id).await;
    let page = browser.get(&format!("/admin/person?account={bob}")).await;
    assert!(page.body.contains("may not use the app") && page.body.contains("No target covers this person."));
}

#[tokio::test]
async fn j1_w3_malformed_policy_on_the_page_is_refused_as_a_whole() {
    let (app, mut browser) = administered().await;
    browser.get("/admin/policy").await;
    let before = app.store.global_blocking(current).unwrap();
    for wrong in
        ["{", "[]", "{\"state\": \"off\"}", "{\"state\": \"disabled\", \"state\": \"enabled\"}", "{\"sate\": 1}"]
    {
        let page = browser.post("/admin/policy", &[("policy", wrong)]).await;
        assert_eq!((page.status, page.page().as_str()), (400, "admin-policy"), "{wrong}");
        assert!(page.body.contains("id=\"problem\""));
        assert_eq!(app.store.global_blocking(current).unwrap(), before);
    }
}
