//! Tests the policy's JSON API: who has access, what is refused, and that a refused change leaves the policy unchanged.

use crate::support::{Answer, Browser, service};
use axum::body::Body;
use axum::http::{Method, Request, header};
use countersign_service::app::App;
use countersign_service::operator::{self, make_api_token, set_administrator};
use countersign_service::policy::document::TokenScope;
use countersign_service::prompts::change::Act;
use serde_json::{Value, json};

async fn ask(app: &App, method: Method, path: &str, token: Option<&str>, body: &Value) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    Browser::new(app).send(request.body(Body::from(body.to_string())).unwrap()).await
}

fn administrators_token(app: &App) -> String {
    set_administrator(&app.store, "alice", true, app.clock.now()).unwrap();
    make_api_token(&app.store, "alice", "test", TokenScope::ChangePolicy, app.clock.now()).unwrap()
}

#[tokio::test]
async fn an_administrator_reads_and_changes_the_policy() {
    let (app, _clock) = service();
    let token = administrators_token(&app);
    let read = ask(&app, Method::GET, "/api/policy", Some(&token), &json!(null)).await;
    assert_eq!((read.status, read.json()["state"].as_str()), (200, Some("enabled")));
    let change = json!({"state": "disabled"});
    assert_eq!(ask(&app, Method::PATCH, "/api/policy", Some(&token), &change).await.status, 200);
    let read = ask(&app, Method::GET, "/api/policy", Some(&token), &json!(null)).await;
    assert_eq!(read.json()["state"], "disabled");
    let why = ask(&app, Method::GET, "/api/people/alice/policy", Some(&token), &json!(null)).await.json();
    assert_eq!(why["why"], json!(["The policy is off for everybody."]));
}

#[tokio::test]
async fn j1_w3_api_reports_all_faults_of_a_refused_change() {
    let (app, _clock) = service();
    let token = administrators_token(&app);
    let change = json!({"state": "disabled", "includeTargets": [{"targetType": "group", "id": "unknown",
        "authenticationMode": "any"}], "countersign": {"proximity": "perhaps"}});
    let refused = ask(&app, Method::PATCH, "/api/policy", Some(&token), &change).await;
    assert_eq!(refused.status, 400);
    let faults = refused.json()["errors"].as_array().unwrap().len();
    assert_eq!(faults, 2, "{}", refused.body);
    let read = ask(&app, Method::GET, "/api/policy", Some(&token), &json!(null)).await;
    assert_eq!(read.json()["state"], "enabled");
}

#[tokio::test]
async fn j1_w4_policy_api_refuses_non_administrators() {
    let (app, clock) = service();
    assert!(
        make_api_token(&app.store, "alice", "test", TokenScope::ChangePolicy, app.clock.now()).is_err(),
        "a person who is no administrator got a token"
    );
    let token = administrators_token(&app);
    for wrong in [None, Some(""), Some("AAAAAAAAAAAAAAAAAAAAAA"), Some(format!("{token}x").as_str())] {
        for (method, path) in
            [(Method::GET, "/api/policy"), (Method::PATCH, "/api/policy"), (Method::GET, "/api/people/alice/policy")]
        {
            let refused = ask(&app, method, path, wrong, &json!({"state": "disabled"})).await;
            assert_eq!((refused.status, refused.json()["error"].as_str()), (401, Some("invalid_token")));
        }
    }
    let get = async |token: &str| ask(&app, Method::GET, "/api/policy", Some(token), &json!(null)).await.status;
    set_administrator(&app.store, "alice", false, app.clock.now()).unwrap();
    assert_eq!(get(&token).await, 401, "accepted the token of a former administrator");
    let newer = administrators_token(&app);
    assert_eq!(get(&token).await, 401, "the token of a former administrator came back with the role");
    for act in [Act::Suspend, Act::Resume] {
        assert_eq!(get(&newer).await == 200, act("".to_owned()) == Act::Suspend("".to_owned()));
        operator::administer(&app.store, "alice", act, app.clock.now()).unwrap();
    }
    assert_eq!(get(&newer).await, 401, "the end of a suspension restored a token");
    let last = administrators_token(&app);
    clock.advance(90 * 86_400 - 1);
    assert_eq!(get(&last).await, 200);
    clock.advance(2);
    assert_eq!(get(&last).await, 401, "accepted an expired token");
}

#[tokio::test]
async fn reading_token_does_not_change_the_policy() {
    let (app, _clock) = service();
    set_administrator(&app.store, "alice", true, app.clock.now()).unwrap();
    let token = make_api_token(&app.store, "alice", "reader", TokenScope::ReadPolicy, app.clock.now()).unwrap();
    assert_eq!(ask(&app, Method::GET, "/api/policy", Some(&token), &json!(null)).await.status, 200);
    let refused = ask(&app, Method::PATCH, "/api/policy", Some(&token), &json!({"state": "disabled"})).await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (403, Some("insufficient_scope")));
    let read = ask(&app, Method::GET, "/api/policy", Some(&token), &json!(null)).await;
    assert_eq!(read.json()["state"], "enabled");
}
