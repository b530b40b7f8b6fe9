//! Tests the relay over real TLS: who may subscribe, who may push, and which phone gets the push.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_relay::{Config, Relay};
use reqwest::{Client, Response, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

const BEARER: [u8; 32] = [5; 32];
const SLOT: [u8; 16] = [6; 16];

struct Scene {
    relay: Relay,
    client: Client,
    service: EcdsaKeyPair,
    folder: TempDir,
}

fn key_pair() -> EcdsaKeyPair {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &SystemRandom::new()).unwrap()
}

async fn start(folder: &TempDir, listen: std::net::SocketAddr) -> Relay {
    let config = Config { listen, public_url: None, data: folder.path().to_owned(), tls: None };
    Relay::start(config).await.unwrap()
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(&folder, ([127, 0, 0, 1], 0).into()).await;
    let authority = std::fs::read(folder.path().join("authority.pem")).unwrap();
    let client = Client::builder().tls_certs_only([reqwest::Certificate::from_pem(&authority).unwrap()]);
    Scene { relay, client: client.build().unwrap(), service: key_pair(), folder }
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

impl Scene {
    fn public_key(&self) -> String {
        b64(self.service.public_key().as_ref())
    }

    async fn subscribe(&self) -> String {
        let wanted = json!({"vapid_key": self.public_key(), "slot": b64(&SLOT)});
        let address = format!("{}/subscriptions", self.relay.url);
        let answer = self.client.post(address).bearer_auth(b64(&BEARER)).json(&wanted).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json::<Value>().await.unwrap()["endpoint"].as_str().unwrap().to_owned()
    }

    fn token(&self, key: &EcdsaKeyPair, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": "ES256"});
        let input = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
        let signature = key.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", b64(signature.as_ref()))
    }

    fn good_claims(&self) -> Value {
        json!({"aud": self.relay.url, "exp": now() + 300, "sub": "https://login.test"})
    }

    fn credentials(&self) -> String {
        format!("vapid t={}, k={}", self.token(&self.service, &self.good_claims()), self.public_key())
    }

    async fn push(&self, endpoint: &str, credentials: &str, body: Vec<u8>) -> StatusCode {
        let request = self.client.post(endpoint).header("ttl", "60").header("content-encoding", "aes128gcm");
        request.header("authorization", credentials).body(body).send().await.unwrap().status()
    }

    async fn push_with(&self, endpoint: &str, headers: &[(&str, &str)], body: &[u8]) -> StatusCode {
        let request = self.client.post(endpoint).header("ttl", "60").header("content-encoding", "aes128gcm");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.header("authorization", self.credentials()).body(body.to_vec()).send().await.unwrap().status()
    }

    async fn listen(&self) -> Response {
        let address = format!("{}/stream", self.relay.url);
        self.client.get(address).bearer_auth(b64(&BEARER)).send().await.unwrap()
    }
}

/// Returns the next message of a stream; `None` when none arrives within a second.
async fn heard(stream: &mut Response) -> Option<Value> {
    loop {
        let chunk = tokio::time::timeout(Duration::from_secs(1), stream.chunk()).await.ok()?.ok()??;
        if let Ok(line) = serde_json::from_slice(&chunk) {
            return Some(line);
        }
    }
}

#[tokio::test]
async fn push_reaches_only_the_subscribed_phone() {
    let scene = scene().await;
    let endpoint = scene.subscribe().await;
    let mut stream = scene.listen().await;
    let other_phone = scene.client.get(format!("{}/stream", scene.relay.url)).bearer_auth(b64(&[9; 32]));
    let mut other_phone = other_phone.send().await.unwrap();
    assert_eq!(scene.push(&endpoint, &scene.credentials(), b"sealed".to_vec()).await, StatusCode::CREATED);
    assert_eq!(heard(&mut stream).await, Some(json!({"slot": b64(&SLOT), "message": b64(b"sealed")})));
    assert_eq!(heard(&mut other_phone).await, None);
    scene.relay.stop().await;
}

#[tokio::test]
async fn withdrawal_replaces_its_waiting_prompt() {
    let scene = scene().await;
    let endpoint = scene.subscribe().await;
    for (urgency, topic, body) in [("high", "one", "prompt"), ("high", "two", "another"), ("low", "one", "withdrawal")]
    {
        let status = scene.push_with(&endpoint, &[("urgency", urgency), ("topic", topic)], body.as_bytes()).await;
        assert_eq!(status, StatusCode::CREATED);
    }
    let mut stream = scene.listen().await;
    for body in ["another", "withdrawal"] {
        assert_eq!(heard(&mut stream).await.unwrap()["message"], b64(body.as_bytes()));
    }
    assert_eq!(heard(&mut stream).await, None);
    scene.relay.stop().await;
}

#[tokio::test]
async fn malformed_urgency_or_topic_is_refused() {
    let scene = scene().await;
    let endpoint = scene.subscribe().await;
    let (longest, too_long) = ("a".repeat(32), "a".repeat(33));
    for (header, good) in [
        (("urgency", "very-low"), true),
        (("urgency", "normal"), true),
        (("urgency", "High"), false),
        (("urgency", ""), false),
        (("topic", longest.as_str()), true),
        (("topic", too_long.as_str()), false),
        (("topic", ""), false),
        (("topic", "a b"), false),
        (("topic", "a+b"), false),
    ] {
        let expected = if good { StatusCode::CREATED } else { StatusCode::BAD_REQUEST };
        assert_eq!(scene.push_with(&endpoint, &[header], b"sealed").await, expected, "{header:?}");
    }
    scene.relay.stop().await;
}

#[tokio::test]
async fn invalid_vapid_credentials_are_refused() {
    let scene = scene().await;
    let endpoint = scene.subscribe().await;
    let with = |member: &str, value: Value| {
        let mut claims = scene.good_claims();
        claims[member] = value;
        format!("vapid t={}, k={}", scene.token(&scene.service, &claims), scene.public_key())
    };
    let other_service = key_pair();
    let other_key = b64(other_service.public_key().as_ref());
    let good = scene.token(&scene.service, &scene.good_claims());
    let none = b64(br#"{"typ":"JWT","alg":"none"}"#);
    let unsigned = format!("{none}.{}.", b64(scene.good_claims().to_string().as_bytes()));
    for (name, credentials, status) in [
        ("no scheme", good.clone(), StatusCode::UNAUTHORIZED),
        ("no key", format!("vapid t={good}"), StatusCode::UNAUTHORIZED),
        ("two tokens", format!("vapid t={good}, t={good}, k={}", scene.public_key()), StatusCode::UNAUTHORIZED),
        ("another origin", with("aud", json!("https://localhost")), StatusCode::FORBIDDEN),
        ("expired", with("exp", json!(now() - 120)), StatusCode::FORBIDDEN),
        ("two days", with("exp", json!(now() + 2 * 86_400)), StatusCode::FORBIDDEN),
        ("no end", with("exp", json!(null)), StatusCode::FORBIDDEN),
        ("unsigned", format!("vapid t={unsigned}, k={}", scene.public_key()), StatusCode::FORBIDDEN),
        (
            "signed by another",
            format!("vapid t={}, k={}", scene.token(&other_service, &scene.good_claims()), scene.public_key()),
            StatusCode::FORBIDDEN,
        ),
        (
            "another service",
            format!("vapid t={}, k={other_key}", scene.token(&other_service, &scene.good_claims())),
            StatusCode::FORBIDDEN,
        ),
    ] {
        assert_eq!(scene.push(&endpoint, &credentials, b"x".to_vec()).await, status, "{name}");
    }
    let mut stream = scene.listen().await;
    assert_eq!(heard(&mut stream).await, None);
    scene.relay.stop().await;
}

#[tokio::test]
async fn malformed_push_is_refused() {
    let scene = scene().await;
    let endpoint = scene.subscribe().await;
    let good = scene.credentials();
    assert_eq!(scene.push(&endpoint, &good, vec![0; 4_096]).await, StatusCode::CREATED);
    assert_eq!(scene.push(&endpoint, &good, vec![0; 4_097]).await, StatusCode::PAYLOAD_TOO_LARGE);
    let altered = format!("{}A", endpoint);
    assert_eq!(scene.push(&altered, &good, vec![0]).await, StatusCode::NOT_FOUND);
    let without_ttl =
        scene.client.post(&endpoint).header("authorization", &good).header("content-encoding", "aes128gcm");
    assert_eq!(without_ttl.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    let plain = scene.client.post(&endpoint).header("authorization", &good).header("ttl", "60");
    assert_eq!(plain.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    scene.relay.stop().await;
}

#[tokio::test]
async fn malformed_subscription_is_refused() {
    let scene = scene().await;
    let address = format!("{}/subscriptions", scene.relay.url);
    let good = json!({"vapid_key": scene.public_key(), "slot": b64(&SLOT)});
    let anonymous = scene.client.post(&address).json(&good).send().await.unwrap();
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    let short = scene.client.post(&address).bearer_auth("AAAA").json(&good).send().await.unwrap();
    assert_eq!(short.status(), StatusCode::UNAUTHORIZED);
    for (member, value) in [("vapid_key", "AAAA"), ("slot", "AAAA"), ("slot", "=")] {
        let mut wanted = good.clone();
        wanted[member] = json!(value);
        let answer = scene.client.post(&address).bearer_auth(b64(&BEARER)).json(&wanted).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{member}");
    }
    scene.relay.stop().await;
}

#[tokio::test]
async fn subscription_survives_restart_and_newest_stream_gets_pushes() {
    let mut scene = scene().await;
    let endpoint = scene.subscribe().await;
    let address = scene.relay.address;
    let Scene { relay, client, service, folder } = scene;
    relay.stop().await;
    scene = Scene { relay: start(&folder, address).await, client, service, folder };
    assert_eq!(scene.push(&endpoint, &scene.credentials(), b"waited".to_vec()).await, StatusCode::CREATED);
    let mut older = scene.listen().await;
    assert_eq!(heard(&mut older).await.unwrap()["message"], b64(b"waited"));
    let mut newer = scene.listen().await;
    assert_eq!(scene.push(&endpoint, &scene.credentials(), b"fresh".to_vec()).await, StatusCode::CREATED);
    assert_eq!(heard(&mut newer).await.unwrap()["message"], b64(b"fresh"));
    assert_eq!(heard(&mut older).await, None);
    scene.relay.stop().await;
}

#[tokio::test]
async fn requested_loss_doubling_and_delay_are_applied() {
    let scene = scene().await;
    let endpoint = scene.subscribe().await;
    let mut stream = scene.listen().await;
    let credentials = scene.credentials();
    scene.relay.faults.lose_one_in(1);
    assert_eq!(scene.push(&endpoint, &credentials, b"lost".to_vec()).await, StatusCode::CREATED);
    assert_eq!(heard(&mut stream).await, None);
    scene.relay.faults.lose_one_in(0);
    scene.relay.faults.double_one_in(1);
    assert_eq!(scene.push(&endpoint, &credentials, b"twice".to_vec()).await, StatusCode::CREATED);
    let mut lines = String::new();
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(Duration::from_secs(1), stream.chunk()).await {
        lines.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(lines.matches(&b64(b"twice")).count(), 2);
    scene.relay.faults.double_one_in(0);
    scene.relay.faults.delay(Duration::from_millis(1_500));
    assert_eq!(scene.push(&endpoint, &credentials, b"late".to_vec()).await, StatusCode::CREATED);
    assert_eq!(heard(&mut stream).await, None);
    assert_eq!(heard(&mut stream).await.unwrap()["message"], b64(b"late"));
    scene.relay.stop().await;
}
