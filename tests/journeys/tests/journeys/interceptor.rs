//! Runs an interceptor between the phone and the service. The phone trusts the interceptor's TLS certificate, so the
//! interceptor can read and change every request and response.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign::{AccountHealth, Error, FetchReason};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::{Person, TestPhone, World};
use countersign_service::jose::{Jwk, SigningKey};
use countersign_service::secrets::{decode, encode};
use countersign_service::serve::{self, Running};
use countersign_service::tls::Authority;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use web_push_native::{Auth, WebPushBuilder, p256};

pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(crate) const PROMPTS: &str = "/phone/prompts";

/// A response to the phone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn of(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn json(body: &Value) -> Self {
        Self::of(200, "application/json", body.to_string())
    }

    pub(crate) fn signed(jws: &str) -> Self {
        Self::of(200, "application/jose", jws)
    }

    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// How the interceptor handles a request.
pub(crate) enum Asked {
    /// The service gets this body instead of the body that the phone has sent.
    Changed(Vec<u8>),
    /// The service does not get the request, and the phone gets this response.
    Answered(Reply),
}

type OnRequest = dyn Fn(Vec<u8>) -> Asked + Send + Sync;
/// Changes a response. The first argument is the request's body.
type OnAnswer = dyn Fn(&[u8], Reply) -> Reply + Send + Sync;

pub(crate) struct Interceptor {
    pub(crate) authority: Authority,
    /// The interceptor's own signing key.
    pub(crate) key: SigningKey,
    pub(crate) scalar: Vec<u8>,
    shared: Arc<Shared>,
    running: Running,
}

struct Shared {
    service: String,
    client: reqwest::Client,
    requests: Mutex<Option<(String, Arc<OnRequest>)>>,
    answers: Mutex<Option<(String, Arc<OnAnswer>)>>,
    heard: Mutex<Vec<(String, Vec<u8>, Reply)>>,
}

/// A service, the interceptor in front of it, and Ada's browser and phone, which trust the interceptor.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) between: Interceptor,
    pub(crate) person: Person,
    pub(crate) phone: TestPhone,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let listener = serve::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let world = World::start_as(|config| config.issuer = issuer.clone()).await.unwrap();
        world.add_person(USER, PASSWORD).unwrap();
        let between = Interceptor::start(listener, &world);
        let both = both(&world, &between);
        let person = Person::new(&issuer, &both).unwrap();
        let home = tempfile::tempdir().unwrap().keep();
        let phone = TestPhone::open(home, &world.relay_url(), &both, "phone").await.unwrap();
        Self { world, between, person, phone }
    }

    /// Ada with a fresh browser.
    pub(crate) fn another_person(&self) -> Person {
        Person::new(self.world.issuer(), &both(&self.world, &self.between)).unwrap()
    }

    pub(crate) async fn stop(self) {
        drop(self.phone);
        self.between.running.stop().await;
        self.world.stop().await;
    }
}

fn both(world: &World, between: &Interceptor) -> Vec<u8> {
    [world.ca(), between.authority.certificate().as_bytes()].concat()
}

impl Interceptor {
    fn start(listener: std::net::TcpListener, world: &World) -> Self {
        let authority = Authority::make("interceptor").unwrap();
        let scalar = SigningKey::make_scalar().unwrap().to_vec();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(world.ca()).unwrap()])
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let shared = Arc::new(Shared {
            service: format!("https://localhost:{}", world.address().port()),
            client,
            requests: Mutex::default(),
            answers: Mutex::default(),
            heard: Mutex::default(),
        });
        let router = Router::new().fallback(between).with_state(Arc::clone(&shared));
        let running = serve::serve(router, listener, &authority.identity(&["localhost"]).unwrap()).unwrap();
        Self { key: SigningKey::from_scalar(&scalar).unwrap(), scalar, authority, shared, running }
    }

    /// From now on, `meddle` handles the requests whose path starts with `path`. This replaces the earlier handler.
    pub(crate) fn requests(&self, path: &str, meddle: impl Fn(Vec<u8>) -> Asked + Send + Sync + 'static) {
        *self.shared.requests.lock().unwrap() = Some((path.to_owned(), Arc::new(meddle)));
    }

    /// From now on, `meddle` changes the responses to requests whose path starts with `path`. This replaces the earlier
    /// handler.
    pub(crate) fn answers(&self, path: &str, meddle: impl Fn(&[u8], Reply) -> Reply + Send + Sync + 'static) {
        *self.shared.answers.lock().unwrap() = Some((path.to_owned(), Arc::new(meddle)));
    }

    /// From now on, one JSON member is replaced in the responses to requests whose path starts with `path`.
    pub(crate) fn alters(&self, path: &str, name: &'static str, value: Value) {
        self.answers(path, move |_, mut reply| {
            let mut answer = reply.value();
            answer[name] = value.clone();
            reply.body = answer.to_string().into_bytes();
            reply
        });
    }

    /// From now on, the interceptor changes nothing. It continues to record.
    pub(crate) fn honest(&self) {
        *self.shared.requests.lock().unwrap() = None;
        *self.shared.answers.lock().unwrap() = None;
    }

    /// The requests that the service got at a path, with the service's unchanged responses, oldest first.
    pub(crate) fn heard(&self, path: &str) -> Vec<(Vec<u8>, Reply)> {
        let heard = self.shared.heard.lock().unwrap();
        let here = heard.iter().filter(|(found, _, _)| found.split('?').next() == Some(path));
        here.map(|(_, request, reply)| (request.clone(), reply.clone())).collect()
    }

    /// Everything that was recorded: path and query, request body, and the service's unchanged response.
    pub(crate) fn everything(&self) -> Vec<(String, Vec<u8>, Reply)> {
        self.shared.heard.lock().unwrap().clone()
    }

    pub(crate) fn last(&self, path: &str) -> (Vec<u8>, Reply) {
        self.heard(path).pop().unwrap()
    }

    /// Sends a request of the interceptor to the service.
    pub(crate) async fn sends(&self, path: &str, kind: &str, body: Vec<u8>) -> Reply {
        let request = self.shared.client.post(format!("{}{path}", self.shared.service));
        reply(request.header(header::CONTENT_TYPE, kind).body(body).send().await.unwrap()).await
    }

    /// Signs a JWS with the interceptor's key. `key` is the name and the value of an additional member of the JWS
    /// header.
    pub(crate) fn signs(&self, typ: &str, key: (&str, Value), claims: &Value) -> String {
        let point = self.key.public().point().unwrap();
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &self.scalar, &point, &random).unwrap();
        let mut header = json!({"alg": "ES256", "typ": typ});
        header[key.0] = key.1;
        let input = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        format!("{input}.{}", encode(pair.sign(&random, input.as_bytes()).unwrap().as_ref()))
    }

    /// Sends a push as a service does. The phone's push subscription must accept the interceptor's key.
    pub(crate) async fn pushes(&self, world: &World, subscription: &Value, jws: &str) {
        let text = |name: &str| subscription[name].as_str().unwrap();
        let point = p256::PublicKey::from_sec1_bytes(&decode(text("p256dh")).unwrap()).unwrap();
        let auth = Auth::clone_from_slice(&decode(text("auth")).unwrap());
        let builder = WebPushBuilder::new(text("endpoint").parse().unwrap(), point, auth);
        let request = builder.with_valid_duration(Duration::from_secs(60)).build(format!("{jws:<2700}")).unwrap();
        let claims =
            json!({"aud": world.relay_url(), "exp": world.app.clock.now() + 300, "sub": "mailto:attacker@evil.test"});
        let token = self.key.sign("JWT", &claims).unwrap();
        let vapid = format!("vapid t={token}, k={}", encode(&self.jwk().point().unwrap()));
        let (parts, body) = request.into_parts();
        let sent = self.shared.client.post(parts.uri.to_string()).headers(parts.headers);
        let sent = sent.header(header::AUTHORIZATION, vapid).body(body).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), 201);
    }

    pub(crate) fn jwk(&self) -> &Jwk {
        self.key.public()
    }
}

/// Fetches prompts. Returns the error, if there is one, and the account's health.
pub(crate) async fn checked(phone: &TestPhone) -> (Option<Error>, AccountHealth) {
    let checked = phone.core().check_for_prompts(FetchReason::Poll).await.unwrap();
    let health = phone.core().accounts().await.unwrap()[0].health;
    (checked.unreachable.into_iter().map(|(_, error)| error).next(), health)
}

pub(crate) fn is_fine(checked: &(Option<Error>, AccountHealth)) -> bool {
    *checked == (None, AccountHealth::Active)
}

/// A key document that names the service as its issuer, but is signed by the interceptor's key.
pub(crate) fn keys(between: &Interceptor, issuer: &str) -> String {
    let claims = json!({"iss": issuer, "iat": 1_790_000_000, "seq": 1, "keys": [between.jwk()]});
    between.key.sign("phone-keys+jwt", &claims).unwrap()
}

/// The payload of a JWS, without verifying it.
pub(crate) fn payload(jws: &[u8]) -> Value {
    let text = std::str::from_utf8(jws).unwrap();
    serde_json::from_slice(&decode(text.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

async fn reply(response: reqwest::Response) -> Reply {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

async fn between(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let (path, address) = (parts.uri.path().to_owned(), parts.uri.to_string());
    let mut body: Vec<u8> = to_bytes(body, 1 << 20).await.unwrap().to_vec();
    let here = |place: &str| path.starts_with(place);
    let meddle = shared.requests.lock().unwrap().clone().filter(|(place, _)| here(place));
    if let Some((_, meddle)) = meddle {
        body = match meddle(body) {
            Asked::Changed(changed) => changed,
            Asked::Answered(instead) => return answer(instead),
        };
    }
    let mut headers = parts.headers;
    for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let passed = shared.client.request(parts.method, format!("{}{address}", shared.service)).headers(headers);
    let Ok(response) = passed.body(body.clone()).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let honest = reply(response).await;
    shared.heard.lock().unwrap().push((address, body.clone(), honest.clone()));
    let meddle = shared.answers.lock().unwrap().clone().filter(|(place, _)| here(place));
    answer(match meddle {
        Some((_, meddle)) => meddle(&body, honest),
        None => honest,
    })
}

fn answer(reply: Reply) -> Response {
    let mut response = (StatusCode::from_u16(reply.status).unwrap(), Bytes::from(reply.body)).into_response();
    let mut headers = reply.headers;
    for name in [header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    *response.headers_mut() = headers;
    response
}
