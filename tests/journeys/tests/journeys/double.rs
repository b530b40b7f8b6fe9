//! Runs a fake service, because some tests need responses that the real service never sends. The responses of the fake
//! service are correct until a test selects a [`Lie`].

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use countersign_service::enrollment::proofs::Key;
use countersign_service::jose::SigningKey;
use countersign_service::secrets::{decode, encode};
use countersign_service::serve::{self, Running};
use countersign_service::tls::{Authority, install_provider};
use serde_json::{Value, json};

pub(crate) const SECRET: [u8; 16] = [7; 16];
pub(crate) const ID: &str = "AAECAwQFBgcICQoLDA0ODw";

/// A false part of the responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    LookUpMacWrong,
    LookUpMacMissing,
    LookUpForAnotherNonce,
    LookUpForAnotherIssuer,
    LookUpKeysOfAnotherIssuer,
    LookUpClockOff,
    BindMacWrong,
    BindMacMissing,
    BindOtherKeys,
    BindOtherAccount,
    StateUnsigned,
    StateByAnotherKey,
    /// The service was installed again under the same name. The new installation has other keys and another key chain.
    IdentityReplaced,
    StateForAnotherDevice,
    StateForAnotherRequest,
    StateOfAnotherIssuer,
    StateUnknownStatus,
    StateProblemRemoved,
    StateRemovedWithoutCause,
}

pub(crate) struct Double {
    pub(crate) issuer: String,
    pub(crate) authority: Authority,
    shared: Arc<Shared>,
    running: Option<Running>,
}

struct Shared {
    issuer: String,
    lie: Mutex<Lie>,
    discovery: Mutex<Option<Discovery>>,
    heard: Mutex<Vec<String>>,
    key: SigningKey,
    other_key: SigningKey,
}

/// A response to the metadata request that replaces the correct metadata document.
#[derive(Clone)]
pub(crate) enum Discovery {
    Document(Value),
    Status(u16, Vec<u8>),
    Redirect(u16),
    Never,
}

fn signing_key() -> SigningKey {
    SigningKey::from_scalar(&SigningKey::make_scalar().unwrap()).unwrap()
}

impl Double {
    pub(crate) fn start() -> Self {
        Self::start_for(&["localhost"])
    }

    /// Starts with a certificate for these names.
    pub(crate) fn start_for(names: &[&str]) -> Self {
        install_provider();
        let authority = Authority::make("double").unwrap();
        let listener = serve::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let shared = Arc::new(Shared {
            issuer: issuer.clone(),
            lie: Mutex::new(Lie::Nothing),
            discovery: Mutex::new(None),
            heard: Mutex::new(Vec::new()),
            key: signing_key(),
            other_key: signing_key(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/elsewhere", get(elsewhere))
            .route("/phone/look-up", post(look_up))
            .route("/phone/enrollment", post(bind))
            .route("/phone/prompts", post(prompts))
            .route("/phone/keys", get(keys))
            .with_state(Arc::clone(&shared));
        let running = serve::serve(router, listener, &authority.identity(names).unwrap()).unwrap();
        Self { issuer, authority, shared, running: Some(running) }
    }

    pub(crate) fn lies(&self, lie: Lie) {
        *self.shared.lie.lock().unwrap() = lie;
    }

    pub(crate) fn discovers(&self, discovery: Option<Discovery>) {
        *self.shared.discovery.lock().unwrap() = discovery;
    }

    pub(crate) fn good_document(&self) -> Value {
        self.shared.document()
    }

    /// The bodies of all look-ups and binds so far, and one line for each redirect that was followed.
    pub(crate) fn heard(&self) -> String {
        self.shared.heard.lock().unwrap().join("\n")
    }

    pub(crate) fn code(&self) -> String {
        let issuer: String = url::form_urlencoded::byte_serialize(self.issuer.as_bytes()).collect();
        format!("countersign://enroll?v=1&issuer={issuer}&id={ID}&secret={}", encode(&SECRET))
    }

    pub(crate) async fn stop(mut self) {
        self.running.take().unwrap().stop().await;
    }
}

impl Shared {
    fn document(&self) -> Value {
        let at = |name: &str| format!("{}/phone/{name}", self.issuer);
        let here = |path: &str| format!("{}/{path}", self.issuer);
        json!({"issuer": self.issuer,
            "authorization_endpoint": here("authorize"), "token_endpoint": here("token"),
            "pushed_authorization_request_endpoint": here("par"), "code_challenge_methods_supported": ["S256"],
            "dpop_signing_alg_values_supported": ["ES256"], "authorization_response_iss_parameter_supported": true,
            "phone_sign_in": {
            "versions": [1],
            "look_up_endpoint": at("look-up"), "enrollment_endpoint": at("enrollment"),
            "prompts_endpoint": at("prompts"), "answers_endpoint": at("answers"),
            "device_endpoint": at("device"), "keys_endpoint": at("keys"), "client_id": "countersign-phone",
            "vapid_key": encode(&self.key.public().point().unwrap())}})
    }

    fn is(&self, lie: Lie) -> bool {
        *self.lie.lock().unwrap() == lie
    }

    fn note(&self, body: &[u8]) {
        self.heard.lock().unwrap().push(String::from_utf8_lossy(body).into_owned());
    }

    fn honest_key() -> Key {
        Key::new(SECRET.to_vec().into())
    }
}

async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    let answer = shared.discovery.lock().unwrap().clone();
    match answer {
        None => Json(shared.document()).into_response(),
        Some(Discovery::Document(document)) => Json(document).into_response(),
        Some(Discovery::Status(status, body)) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Some(Discovery::Redirect(status)) => {
            (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, "/elsewhere")]).into_response()
        }
        Some(Discovery::Never) => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::OK.into_response()
        }
    }
}

/// Serves a correct metadata document at the target of a redirect. The phone must not follow the redirect.
async fn elsewhere(State(shared): State<Arc<Shared>>) -> Response {
    shared.note(b"followed a redirect");
    Json(shared.document()).into_response()
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

async fn look_up(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    shared.note(&body);
    let request: Value = serde_json::from_slice(&body).unwrap();
    let nonce = decode(request["nonce"].as_str().unwrap()).unwrap();
    let keys_issuer = if shared.is(Lie::LookUpKeysOfAnotherIssuer) { "https://evil.test" } else { &shared.issuer };
    let answer = json!({
        "issuer": if shared.is(Lie::LookUpForAnotherIssuer) { "https://evil.test" } else { &shared.issuer },
        "account_id": "account", "user_name": "ada", "organization": "Double", "challenge": ID,
        "time": if shared.is(Lie::LookUpClockOff) { now() - 100_000 } else { now() },
        "keys": first_keys(&shared.key, keys_issuer),
    });
    let body = serde_json::to_vec(&answer).unwrap();
    let nonce = if shared.is(Lie::LookUpForAnotherNonce) { vec![9; 16] } else { nonce };
    let mac = Shared::honest_key().answer_mac("look-up-answer", &nonce, &body);
    with_mac(body, mac, shared.is(Lie::LookUpMacWrong), shared.is(Lie::LookUpMacMissing))
}

fn with_mac(body: Vec<u8>, mut mac: Vec<u8>, wrong: bool, missing: bool) -> Response {
    if wrong {
        mac[0] ^= 1;
    }
    if missing { body.into_response() } else { ([("countersign-mac", encode(&mac))], body).into_response() }
}

fn first_keys(key: &SigningKey, issuer: &str) -> String {
    let keys = json!({"iss": issuer, "iat": 1_790_000_000, "seq": 1, "keys": [key.public()]});
    key.sign("phone-keys+jwt", &keys).unwrap()
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let key = if shared.is(Lie::IdentityReplaced) { &shared.other_key } else { &shared.key };
    Json(json!({"chain": [first_keys(key, &shared.issuer)]}))
}

fn payload(jws: &[u8]) -> Value {
    let text = std::str::from_utf8(jws).unwrap();
    serde_json::from_slice(&decode(text.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

async fn bind(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    shared.note(&body);
    let jti = decode(payload(&body)["jti"].as_str().unwrap()).unwrap();
    let key = if shared.is(Lie::BindOtherKeys) { &shared.other_key } else { &shared.key };
    let answer = json!({
        "device_id": ID,
        "account_id": if shared.is(Lie::BindOtherAccount) { "another" } else { "account" },
        "keys": [key.kid()], "expires_at": now() + 600,
    });
    let body = serde_json::to_vec(&answer).unwrap();
    let mac = Shared::honest_key().answer_mac("bind-answer", &jti, &body);
    with_mac(body, mac, shared.is(Lie::BindMacWrong), shared.is(Lie::BindMacMissing))
}

async fn prompts(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let request = payload(&body)["jti"].as_str().unwrap().to_owned();
    let mut state = json!({"iss": shared.issuer, "aud": ID, "iat": now(), "request": request, "status": "ok"});
    let lie = *shared.lie.lock().unwrap();
    match lie {
        Lie::StateForAnotherDevice => state["aud"] = json!("another"),
        Lie::StateForAnotherRequest => state["request"] = json!(ID),
        Lie::StateOfAnotherIssuer => state["iss"] = json!("https://evil.test"),
        Lie::StateUnknownStatus => state["status"] = json!("fine"),
        Lie::StateRemovedWithoutCause => state["status"] = json!("removed"),
        Lie::StateUnsigned => return Json(state).into_response(),
        Lie::StateProblemRemoved => {
            let problem = json!({"type": "https://countersign.dev/problems/removed", "status": 410});
            return (StatusCode::GONE, [(header::CONTENT_TYPE, "application/problem+json")], problem.to_string())
                .into_response();
        }
        _ => {}
    }
    let key = if let Lie::StateByAnotherKey | Lie::IdentityReplaced = lie { &shared.other_key } else { &shared.key };
    key.sign("phone-state+jwt", &state).unwrap().into_response()
}
