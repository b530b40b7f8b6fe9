//! Tests pushes over TLS, as a push service receives them (RFC 8030, RFC 8291, RFC 8292).

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::IntoResponse;
use countersign_service::devices::device::Device;
use countersign_service::prompts::acts;
use countersign_service::prompts::ceremony::Owner;
use countersign_service::secrets::{decode, encode};
use countersign_service::serve::{Running, bind, serve};
use countersign_service::tls::{Authority, install_provider};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use web_push_native::{Auth, decrypt, p256};

use super::phone::{PUSH_AUTH, Phone, jti_of, verified};
use super::service::{ISSUER, Service};

pub struct Push {
    path: String,
    headers: HeaderMap,
    pub body: Bytes,
}

/// A push service that responds with a status set by the test.
pub struct Receiver {
    origin: String,
    pushes: UnboundedReceiver<Push>,
    answers: Arc<AtomicU16>,
    _running: Running,
}

impl Receiver {
    pub async fn start() -> (Self, Service) {
        install_provider();
        let authority = Authority::make("test").unwrap();
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let origin = format!("https://{}", listener.local_addr().unwrap());
        let (sender, pushes) = unbounded_channel();
        let answers = Arc::new(AtomicU16::new(201));
        let status = answers.clone();
        let take = move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
            sender.send(Push { path: uri.path().to_owned(), headers, body }).unwrap();
            let status = StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap();
            (status, [(header::LOCATION, "/elsewhere")]).into_response()
        };
        let router = Router::new().fallback(take);
        let running = serve(router, listener, &authority.identity(&["127.0.0.1"]).unwrap()).unwrap();
        let service = Service::with_relays(vec![origin.clone()], authority.certificate().to_owned()).await;
        (Self { origin, pushes, answers, _running: running }, service)
    }

    pub fn phone(&self, seed: u8) -> Phone {
        let mut phone = Phone::new(seed);
        phone.push_endpoint = format!("{}/push/{seed}", self.origin);
        phone
    }

    pub async fn next(&mut self) -> Push {
        tokio::time::timeout(Duration::from_secs(10), self.pushes.recv()).await.unwrap().unwrap()
    }

    async fn nothing_more(&mut self) {
        let more = tokio::time::timeout(Duration::from_millis(700), self.pushes.recv()).await;
        assert!(more.is_err());
    }
}

pub fn opened(phone: &Phone, push: &Push) -> String {
    let key = p256::SecretKey::from_slice(&phone.push_scalar).unwrap();
    let plain = decrypt(push.body.to_vec(), &key, Auth::from_slice(&PUSH_AUTH)).unwrap();
    assert_eq!(plain.len(), 2_700);
    String::from_utf8(plain).unwrap().trim_end_matches(' ').to_owned()
}

#[tokio::test]
async fn push_contains_the_same_prompt_as_a_fetch() {
    let (mut receiver, service) = Receiver::start().await;
    let phone = service.added(receiver.phone(1)).await;
    service.ask("a").await;
    let push = receiver.next().await;
    assert_eq!(push.path, "/push/1");
    assert_eq!(push.headers[header::CONTENT_ENCODING], "aes128gcm");
    assert!(push.headers["ttl"].to_str().unwrap().parse::<u32>().unwrap() <= 300);
    assert!(push.body.len() <= 4_096);
    assert_eq!(opened(&phone, &push), phone.prompt(&service).await);
    receiver.nothing_more().await;
}

#[tokio::test]
async fn vapid_header_names_the_push_service_and_published_key() {
    let (mut receiver, service) = Receiver::start().await;
    service.added(receiver.phone(1)).await;
    service.ask("a").await;
    let push = receiver.next().await;
    let authorization = push.headers[header::AUTHORIZATION].to_str().unwrap();
    let (token, key) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(key, service.app.keys.vapid_point());
    let point = decode(key).unwrap();
    let key = DecodingKey::from_ec_components(&encode(&point[1..33]), &encode(&point[33..])).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[&receiver.origin]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    assert_eq!(claims["aud"], receiver.origin);
    assert!(claims["sub"].as_str().unwrap().starts_with("https://"));
    let day = jsonwebtoken::get_current_timestamp() + 24 * 3_600;
    assert!(claims["exp"].as_u64().unwrap() <= day);
}

#[tokio::test]
async fn j7_w5_phone_that_did_not_answer_gets_a_withdrawal() {
    let (mut receiver, service) = Receiver::start().await;
    let first = service.added(receiver.phone(1)).await;
    let second = service.added(receiver.phone(2)).await;
    let ceremony = service.ask("a").await;
    let _prompts = (receiver.next().await, receiver.next().await);
    first.approve(&service, &first.prompt(&service).await, &ceremony.number).await;
    let withdrawn = receiver.next().await;
    assert_eq!(withdrawn.path, "/push/2");
    let claims = verified(&service, &opened(&second, &withdrawn), "prompt-withdrawn+jwt");
    assert_eq!((&claims["aud"], &claims["reason"]), (&second.device_id.into(), &"answered_elsewhere".into()));
    assert_eq!(claims["exp"], service.now() + 120);
    receiver.nothing_more().await;
}

#[tokio::test]
async fn j7_w6_cancelled_or_replaced_prompt_is_withdrawn() {
    let (mut receiver, service) = Receiver::start().await;
    let phone = service.added(receiver.phone(1)).await;
    let first = service.ask("a").await;
    let jti = jti_of(&service, &opened(&phone, &receiver.next().await));
    // The second ceremony starts within two minutes, so it is quiet. The service withdraws the first prompt although
    // the second ceremony is quiet.
    let second = service.ask("a").await;
    let claims = verified(&service, &opened(&phone, &receiver.next().await), "prompt-withdrawn+jwt");
    assert_eq!((&claims["prompt"], &claims["reason"]), (&jti.into(), &"superseded".into()));
    acts::cancel(&service.app, second.id.clone(), Owner::Attempt("a".to_owned())).await.unwrap();
    receiver.nothing_more().await;
    service.clock.advance(300);
    let third = service.ask("b").await;
    let jti = jti_of(&service, &opened(&phone, &receiver.next().await));
    acts::cancel(&service.app, third.id.clone(), Owner::Attempt("b".to_owned())).await.unwrap();
    let claims = verified(&service, &opened(&phone, &receiver.next().await), "prompt-withdrawn+jwt");
    assert_eq!((&claims["prompt"], &claims["reason"]), (&jti.into(), &"cancelled".into()));
    assert!(first.id != second.id);
}

fn urgency_and_topic(push: &Push) -> (&str, Option<&str>) {
    let text = |name: &str| push.headers.get(name).map(|value| value.to_str().unwrap());
    (text("urgency").unwrap(), text("topic"))
}

#[tokio::test]
async fn withdrawal_replaces_its_prompt_at_the_push_service() {
    let (mut receiver, service) = Receiver::start().await;
    let first = service.added(receiver.phone(1)).await;
    service.added(receiver.phone(2)).await;
    service.ask("a").await;
    let prompts = (receiver.next().await, receiver.next().await);
    let (one, other) = if prompts.0.path == "/push/1" { (&prompts.0, &prompts.1) } else { (&prompts.1, &prompts.0) };
    let (urgency, topic) = urgency_and_topic(other);
    assert_eq!((urgency, topic.unwrap().len()), ("high", 32));
    assert_ne!(topic, urgency_and_topic(one).1, "prompts of two phones have one topic");
    first.deny(&service, &first.prompt(&service).await).await;
    let withdrawn = receiver.next().await;
    assert_eq!((withdrawn.path.as_str(), urgency_and_topic(&withdrawn)), ("/push/2", ("low", topic)));
    assert_eq!(tested(&service, &first).await, "sent");
    assert_eq!(urgency_and_topic(&receiver.next().await), ("high", None));
}

fn has_subscription(service: &Service, phone: &Phone) -> bool {
    let device: Option<Device> = service.app.store.global_blocking(|tx| tx.get(&phone.device_id)).unwrap();
    device.unwrap().reachable_at().is_some()
}

#[tokio::test]
async fn only_status_404_and_410_end_the_push_subscription() {
    for (status, ends) in [(404, true), (410, true), (400, false), (403, false), (429, false), (500, false)] {
        let (mut receiver, service) = Receiver::start().await;
        let phone = service.added(receiver.phone(1)).await;
        receiver.answers.store(status, Ordering::SeqCst);
        service.ask("a").await;
        receiver.next().await;
        let mut left = 50;
        while left > 0 && has_subscription(&service, &phone) == ends {
            tokio::time::sleep(Duration::from_millis(20)).await;
            left -= if ends { 1 } else { 10 };
        }
        assert_eq!(has_subscription(&service, &phone), !ends, "{status}");
        assert_eq!(phone.fetched(&service).await["status"], "ok");
    }
}

#[tokio::test]
async fn push_redirect_is_not_followed() {
    let (mut receiver, service) = Receiver::start().await;
    service.added(receiver.phone(1)).await;
    for status in [301, 307, 308] {
        receiver.answers.store(status, Ordering::SeqCst);
        service.ask(&status.to_string()).await;
        assert_eq!(receiver.next().await.path, "/push/1", "{status}");
        receiver.nothing_more().await;
        service.clock.advance(7_200);
    }
}

#[tokio::test]
async fn removed_phone_gets_no_pushes() {
    let (mut receiver, service) = Receiver::start().await;
    let phone = service.added(receiver.phone(1)).await;
    let other = service.added(receiver.phone(2)).await;
    phone.state(&service, "device", serde_json::json!({"message": "unenroll"})).await;
    service.ask("a").await;
    assert_eq!(receiver.next().await.path, "/push/2");
    receiver.nothing_more().await;
    assert_eq!(other.fetched(&service).await["status"], "ok");
}

async fn tested(service: &Service, phone: &Phone) -> Value {
    phone.state(service, "device", serde_json::json!({"message": "test_push"})).await["push_test"].clone()
}

#[tokio::test]
async fn test_push_names_its_request_and_is_limited_to_one_a_minute() {
    let (mut receiver, service) = Receiver::start().await;
    let (phone, other) = (service.added(receiver.phone(1)).await, service.added(receiver.phone(2)).await);
    let claims = phone.claims(&service, "device", serde_json::json!({"message": "test_push"}));
    let request = phone.sign(&phone.header(), &claims);
    let state = phone.read_state(&service, &service.post("device", request.clone()).await);
    assert_eq!(state["push_test"], "sent");
    let push = receiver.next().await;
    assert_eq!(push.path, "/push/1");
    let test = verified(&service, &opened(&phone, &push), "push-test+jwt");
    let (now, id) = (service.now(), &phone.device_id);
    assert_eq!(
        test,
        serde_json::json!({"iss": ISSUER, "aud": id, "iat": now, "exp": now + 300, "test": claims["jti"]})
    );
    let replayed = phone.read_state(&service, &service.post("device", request).await);
    assert_eq!(replayed["push_test"], Value::Null, "a repeated request had an effect");
    assert_eq!(tested(&service, &phone).await, "too_soon");
    assert_eq!(tested(&service, &other).await, "sent", "the limit of one device also limited another device");
    assert_eq!(receiver.next().await.path, "/push/2");
    receiver.nothing_more().await;
    service.clock.advance(60);
    assert_eq!(tested(&service, &phone).await, "sent");
    receiver.next().await;
}

#[tokio::test]
async fn test_push_needs_a_push_address_and_an_active_phone() {
    let (mut receiver, service) = Receiver::start().await;
    let (phone, removed) = (service.added(receiver.phone(1)).await, service.added(receiver.phone(2)).await);
    removed.state(&service, "device", serde_json::json!({"message": "unenroll"})).await;
    assert_eq!(tested(&service, &removed).await, Value::Null);
    receiver.answers.store(410, Ordering::SeqCst);
    assert_eq!(tested(&service, &phone).await, "sent");
    receiver.next().await;
    while has_subscription(&service, &phone) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    service.clock.advance(60);
    assert_eq!(tested(&service, &phone).await, "no_address");
    receiver.nothing_more().await;
}
