//! Tests signed requests of phones: their headers and claims, wrong clocks, waiting fetches, and removed devices.

use std::time::{Duration, Instant};

use countersign_service::jose::Unverified;
use countersign_service::operator;
use countersign_service::prompts::acts;
use countersign_service::prompts::ceremony::Owner;
use countersign_service::secrets::encode;
use serde_json::{Value, json};

use super::phone::{Phone, jti_of, verified, with};
use super::service::{ISSUER, Service};

#[tokio::test]
async fn all_faulty_requests_get_the_same_refusal() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let (header, now) = (phone.header(), service.now());
    let good = phone.claims(&service, "prompts", Phone::fetch("ok", &[], 0));
    let mut wrong: Vec<String> = [
        ("aud", json!(format!("{ISSUER}/phone/answers"))),
        ("aud", json!("https://login.example.org/phone/prompts")),
        ("aud", Value::Null),
        ("exp", json!(now + 121)),
        ("exp", json!(now - 1)),
        ("iat", json!("now")),
        ("jti", json!("AAAA")),
        ("jti", Value::Null),
        ("message", json!("unenroll")),
        ("message", json!("format")),
        ("message", Value::Null),
        ("reason", json!("bored")),
        ("wait", json!(31)),
        ("wait", json!(-1)),
        ("known", json!({"status": "ok", "prompts": vec!["AAAAAAAAAAAAAAAAAAAAAA"; 17]})),
    ]
    .into_iter()
    .map(|(member, value)| phone.sign(&header, &with(good.clone(), member, value)))
    .collect();
    wrong.extend(
        [
            ("kid", json!("AAAAAAAAAAAAAAAAAAAAAA")),
            ("kid", Value::Null),
            ("typ", json!("phone-answer+jwt")),
            ("alg", json!("none")),
            ("crit", json!(["exp"])),
            ("jwk", json!(phone.jwk)),
        ]
        .into_iter()
        .map(|(member, value)| phone.sign(&with(header.clone(), member, value), &good)),
    );
    let (whole, doubled) = (phone.sign(&header, &good), good.to_string().replacen('{', r#"{"wait":30,"#, 1));
    let (input, signature) = whole.rsplit_once('.').unwrap();
    let (head, _) = input.split_once('.').unwrap();
    wrong.extend([
        Phone::new(2).sign(&header, &good),
        format!("{input}."),
        format!("{input}.{}", encode(&[7; 64])),
        format!("{head}.{}.{signature}", encode(doubled.as_bytes())),
        String::new(),
        "{}".to_owned(),
        "\u{0}".repeat(9_000),
    ]);
    let mut bodies = Vec::new();
    for request in wrong {
        let answer = service.post("prompts", request.clone()).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "request-refused"), "{request}");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    let answer = service.post("prompts", whole).await;
    assert_eq!(phone.read_state(&service, &answer)["status"], "ok");
}

#[tokio::test]
async fn unknown_members_are_ignored() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let newer = with(Phone::fetch("ok", &[], 0), "mood", json!({"good": true}));
    assert_eq!(phone.state(&service, "prompts", newer).await["status"], "ok");
}

#[tokio::test]
async fn a_body_over_sixteen_kib_is_too_large() {
    let service = Service::start().await;
    for endpoint in ["look-up", "enrollment", "prompts", "answers", "device"] {
        assert_eq!(service.post(endpoint, "a".repeat(16 * 1024 + 1)).await.status, 413, "{endpoint}");
    }
}

#[tokio::test]
async fn request_with_a_wrong_time_gets_clock_skew_and_no_effect() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    for (endpoint, message) in [
        ("device", json!({"message": "unenroll"})),
        ("prompts", Phone::fetch("ok", &[], 30)),
        ("answers", json!({"message": "report", "prompt": "AAAAAAAAAAAAAAAAAAAAAA"})),
    ] {
        for off in [-61, 61, -86_400] {
            let claims = phone.claims(&service, endpoint, message.clone());
            let iat = service.now() + off;
            let claims = with(with(claims, "iat", json!(iat)), "exp", json!(iat + 120));
            let answer = service.post(endpoint, phone.sign(&phone.header(), &claims)).await;
            let state = phone.read_state(&service, &answer);
            assert_eq!(
                (&state["status"], &state["request"]),
                (&json!("clock_skew"), &claims["jti"]),
                "{endpoint} {off}"
            );
            assert_eq!(
                (&state["cause"], &state["prompts"], &state["outcome"]),
                (&Value::Null, &Value::Null, &Value::Null)
            );
        }
    }
    for off in [-60, 60] {
        let claims = phone.claims(&service, "prompts", Phone::fetch("ok", &[], 0));
        let iat = service.now() + off;
        let claims = with(with(claims, "iat", json!(iat)), "exp", json!(iat + 120));
        let answer = service.post("prompts", phone.sign(&phone.header(), &claims)).await;
        assert_eq!(phone.read_state(&service, &answer)["status"], "ok", "{off}");
    }
}

#[tokio::test]
async fn extreme_iat_values_get_clock_skew() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    for iat in [i64::MIN, i64::MAX - 120] {
        let claims = phone.claims(&service, "prompts", Phone::fetch("ok", &[], 0));
        let claims = with(with(claims, "iat", json!(iat)), "exp", json!(iat + 120));
        let answer = service.post("prompts", phone.sign(&phone.header(), &claims)).await;
        assert_eq!(phone.read_state(&service, &answer)["status"], "clock_skew", "{iat}");
    }
}

#[tokio::test]
async fn repeated_request_is_refused() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    service.ask("a").await;
    let prompt = phone.prompt(&service).await;
    let message = json!({"message": "report", "prompt": jti_of(&service, &prompt)});
    let request = phone.sign(&phone.header(), &phone.claims(&service, "answers", message));
    assert_eq!(service.post("answers", request.clone()).await.status, 200);
    assert_eq!(service.post("answers", request).await.problem(), "request-refused");
}

#[tokio::test]
async fn key_chain_begins_with_a_self_signed_document() {
    let service = Service::start().await;
    let answer = service.keys().await;
    let document = answer.json();
    let chain = document["chain"].as_array().unwrap();
    assert_eq!((answer.status, chain.len()), (200, 1));
    let keys = verified(&service, chain[0].as_str().unwrap(), "phone-keys+jwt");
    assert_eq!((&keys["seq"], &keys["keys"]), (&json!(1), &json!([service.app.keys.phone(service.now()).public()])));
}

#[tokio::test]
async fn removed_phone_learns_the_cause_on_every_request() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    service.ask("a").await;
    for _time in 0..2 {
        let state = phone.state(&service, "device", json!({"message": "unenroll"})).await;
        assert_eq!((&state["status"], &state["cause"]), (&json!("removed"), &json!("removed_by_phone")));
    }
    let state = phone.fetched(&service).await;
    assert_eq!((&state["status"], &state["cause"]), (&json!("removed"), &json!("removed_by_phone")));
    assert!(state["prompts"].as_array().is_none_or(Vec::is_empty));
    let report = json!({"message": "report", "prompt": "AAAAAAAAAAAAAAAAAAAAAA"});
    assert_eq!(phone.state(&service, "answers", report).await["status"], "removed");
    // Only a request signed with the removed device's own key gets this response.
    let mut other_phone = Phone::new(2);
    other_phone.device_id = phone.device_id.clone();
    let asked = other_phone.send(&service, "prompts", Phone::fetch("ok", &[], 0)).await;
    assert_eq!(asked.problem(), "request-refused");
}

#[tokio::test]
async fn operator_reset_removes_phones_and_their_prompts() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    assert_eq!(operator::reset_methods(&service.app.store, "alice", service.app.clock.now()).unwrap(), 1);
    let state = phone.fetched(&service).await;
    assert_eq!((&state["status"], &state["cause"]), (&json!("removed"), &json!("removed_by_operator")));
    assert!(!service.ceremony(&ceremony.id).is_live(service.now()));
    assert!(service.try_ask("b").await.is_err());
}

async fn waiting(service: &Service, phone: &Phone, known: Vec<String>, seconds: u64) -> Value {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    phone.state(service, "prompts", Phone::fetch("ok", &known, seconds)).await
}

#[tokio::test]
async fn waiting_fetch_returns_when_a_prompt_starts() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let asked = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        service.ask("a").await
    };
    let started = Instant::now();
    let (state, _) = tokio::join!(waiting(&service, &phone, Vec::new(), 20), asked);
    assert_eq!(state["prompts"].as_array().unwrap().len(), 1);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn waiting_fetch_returns_when_a_prompt_ends() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let ceremony = service.ask("a").await;
    let jti = jti_of(&service, &phone.prompt(&service).await);
    let cancelled = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        acts::cancel(&service.app, ceremony.id.clone(), Owner::Attempt("a".to_owned())).await.unwrap();
    };
    let started = Instant::now();
    let (state, ()) = tokio::join!(waiting(&service, &phone, vec![jti], 20), cancelled);
    assert_eq!(state["prompts"], json!([]));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn waiting_fetch_without_news_waits_its_full_time() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    service.ask("a").await;
    let jti = jti_of(&service, &phone.prompt(&service).await);
    let started = Instant::now();
    let state = waiting(&service, &phone, vec![jti], 1).await;
    assert_eq!(state["prompts"].as_array().unwrap().len(), 1);
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn newer_fetch_ends_the_older_one() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let started = Instant::now();
    let older = async {
        waiting(&service, &phone, Vec::new(), 20).await;
        started.elapsed()
    };
    let newer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        waiting(&service, &phone, Vec::new(), 3).await;
        started.elapsed()
    };
    let (older, newer) = tokio::join!(older, newer);
    assert!(older < newer, "{older:?} {newer:?}");
    assert!(newer >= Duration::from_secs(3));
}

#[tokio::test]
async fn waiting_fetch_does_not_signal_a_store_change() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    let watched = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut changes = service.app.store.changes();
        changes.mark_unchanged();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        changes.has_changed().unwrap()
    };
    let (_, changed) = tokio::join!(waiting(&service, &phone, Vec::new(), 3), watched);
    assert!(!changed);
}

#[tokio::test]
async fn two_fetches_return_the_same_signed_prompt() {
    let service = Service::start().await;
    let phone = service.with_phone(1).await;
    service.ask("a").await;
    let (first, again) = (phone.prompt(&service).await, phone.prompt(&service).await);
    assert_eq!(first, again);
    assert!(first.len() <= 2_700);
    assert!(Unverified::by_kid(&first, "prompt-withdrawn+jwt").is_err());
}
