//! Sets up the reference service in memory, with a person and the device of the vectors. Requests reach the service
//! without a network.

use std::cell::LazyCell;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use countersign_service::addresses;
use countersign_service::app::App;
use countersign_service::clock::{Clock, DAY, Time};
use countersign_service::config::Limit;
use countersign_service::config::{Client, Config};
use countersign_service::devices::device::{Claimed, Device, State, Subscription};
use countersign_service::devices::records::DeviceKey;
use countersign_service::enrollment::state::{Code, Enrollment, State as EnrollmentState};
use countersign_service::jose::Jwk;
use countersign_service::operator;
use countersign_service::passes::pass::Pass;
use countersign_service::people::person::Person;
use countersign_service::people::records as people;
use countersign_service::policy::document::{Policy, TokenScope};
use countersign_service::policy::records::{ApiToken, groups, keep};
use countersign_service::prompts::ceremony::{AnsweringKey, Ceremony, Kind, Match, Origin, Owner};
use countersign_service::prompts::records::Prompt;
use countersign_service::provenance::Given;
use countersign_service::secrets::{encode, hashed};
use countersign_service::sign_in::session::{Session, Used};
use ring::hmac;
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::sign::TestKey;
use crate::vectors::{self, ISSUER, NOW};

/// The id of a typed pass, which allows adding a phone.
const PASS: &str = "pass";
/// Cookie, token and `jti` of the tests: 16 bytes in canonical base64url.
pub(crate) const COOKIE: &str = "AAAAAAAAAAAAAAAAAAAAAA";
/// The application's redirect URI.
pub(crate) const RETURN: &str = "https://web.example/callback";
/// The phone app's redirect URI: an `https` URL that the system opens in the app.
pub(crate) const APP: &str = "https://app.test/phone-sign-in";
/// A request that takes longer than this counts as waiting for an event. For example, a `fetch` may wait.
const MAY_WAIT: Duration = Duration::from_millis(250);
/// Time limit of a request that does not wait for events. It is long, because the machine may be busy.
const NEVER_WAITS: Duration = Duration::from_secs(60);

/// A clock that always shows the time of the vectors.
struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Time {
        Time::try_from(NOW).unwrap()
    }
}

/// A response of the service.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The service, a person and their device.
pub(crate) struct Scene {
    runtime: Runtime,
    pub(crate) app: App,
    router: Router,
    person: Person,
    /// The device's key.
    pub(crate) device: TestKey,
    pub(crate) device_id: String,
    prompt: Value,
    /// The member `expected` of the enrollment vectors.
    pub(crate) enrollment: Value,
}

thread_local! {
    /// Each thread has its own scene. Each test runs in a thread of its own.
    static SCENE: LazyCell<Scene> = LazyCell::new(Scene::start);
}

/// Resets the service's records, and runs `work` with the service.
pub(crate) fn with<T>(work: impl FnOnce(&Scene) -> T) -> T {
    SCENE.with(|scene| {
        scene.reset();
        work(scene)
    })
}

impl Scene {
    fn start() -> Self {
        let config = Config {
            issuer: ISSUER.to_owned(),
            organization: "Example".to_owned(),
            data: None,
            clients: vec![Client {
                id: "web".to_owned(),
                secret: "web-secret".to_owned(),
                name: "Web".to_owned(),
                redirect_uris: vec![RETURN.to_owned()],
            }],
            phone_redirects: vec![APP.to_owned()],
            app_link: None,
            private_relays: Vec::new(),
            relay_authorities: String::new(),
            limits: Limit { burst: u32::MAX, per_second: u32::MAX },
        };
        let app = App::open(config, Arc::new(StillClock)).unwrap();
        operator::add_person(&app.store, "alice", "Alice", "correct horse", app.clock.now()).unwrap();
        let mut person = app.store.global_blocking(|tx| people::find(tx, "alice")).unwrap().unwrap();
        person.is_administrator = true;
        Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            router: addresses::router(&app),
            app,
            person,
            device: TestKey::named("device"),
            device_id: vectors::text(&vectors::file("phone-request.json")["expected"]["kid"]),
            prompt: vectors::cases("phone-prompt.json")[0].clone(),
            enrollment: vectors::file("phone-enrollment.json")["expected"].clone(),
        }
    }

    /// Restores the person's device and session, a ceremony that waits for an answer, an open enrollment, and an
    /// administrator's token.
    fn reset(&self) {
        let now = self.app.clock.now();
        let account = self.person.account_id.clone();
        let text = |text: &str| text.to_owned();
        let claims: Value = serde_json::from_str(self.prompt["payload"].as_str().unwrap()).unwrap();
        let ceremony = Ceremony {
            id: text("ceremony"),
            account_id: account.clone(),
            owner: Owner::Attempt(text("attempt")),
            known_browser: None,
            kind: Kind::SecondFactor,
            origin: Origin::PasswordProved,
            number: text("47"),
            r#match: Match::Enter { digits: 2 },
            network: text("192.0.2.0/24"),
            quiet: false,
            created_at: now,
            expires_at: now + 60,
            outcome: None,
            decided_at: None,
            decided_by: None,
            redeemed: false,
            change: None,
            standing: Vec::new(),
            added: None,
        };
        let device = self.device();
        let prompt = Prompt {
            jti: claims["jti"].as_str().unwrap().to_owned(),
            ceremony: ceremony.id.clone(),
            device_id: device.id.clone(),
            jws: self.prompt["jws"].as_str().unwrap().to_owned(),
            answered_with: AnsweringKey::Device,
            key: device.key.thumbprint(),
            created_at: now,
            answer: None,
        };
        let pass = Pass {
            id: PASS.to_owned(),
            account_id: account.clone(),
            starts_at: now,
            ends_at: now + 600,
            used_at: Some(now),
            spent_at: None,
            given: Given::by_operator(now),
        };
        let (cookie, given) = (hashed(COOKIE.as_bytes()), Given::by_pass(PASS, &pass.given, now));
        let session = Session::new(cookie.clone(), account.clone(), Used::PasswordAndPhone, given);
        let token = ApiToken {
            id: cookie,
            account_id: account.clone(),
            name: "fuzz".to_owned(),
            scope: TokenScope::ChangePolicy,
            expires_at: now + 600,
            given: Given::by_operator(now),
        };
        let stored = self.app.store.global_blocking(|tx| {
            tx.sweep(now + 100_000 * DAY)?;
            for other in people::everybody(tx)? {
                tx.delete::<Person>(&other.account_id)?;
            }
            for old in tx.children::<Device>(&account)? {
                tx.delete::<DeviceKey>(&old.key.thumbprint())?;
                tx.delete::<Device>(&old.id)?;
            }
            keep(tx, Policy::usual(), Given::by_operator(now), &account, now)?;
            tx.insert(&self.person)?;
            tx.insert(&device)?;
            tx.insert(&ceremony)?;
            tx.insert(&prompt)?;
            tx.insert(&pass)?;
            tx.insert(&session)?;
            tx.insert(&token)?;
            tx.insert(&self.open_enrollment())
        });
        stored.unwrap();
    }

    /// Returns the device of the vectors, in the state `Active`.
    pub(crate) fn device(&self) -> Device {
        let text = |text: &str| text.to_owned();
        let claimed = Claimed { name: text("x"), model: text("x"), os: text("x"), app_version: text("x") };
        // No server listens at this endpoint, and the service refuses to push to a loopback address.
        let push = Subscription { endpoint: text("https://127.0.0.1/x"), p256dh: text(""), auth: text("") };
        let key: Jwk = serde_json::from_value(self.device.jwk.clone()).unwrap();
        let mut device = Device::pending(
            self.device_id.clone(),
            self.person.account_id.clone(),
            key,
            claimed,
            push,
            Given::by_operator(self.app.clock.now()),
            self.app.clock.now(),
        );
        device.state = State::Active;
        device
    }

    /// Returns the enrollment of the vectors, in the state `Open`.
    fn open_enrollment(&self) -> Enrollment {
        let expected = &self.enrollment;
        let (id, key, now) =
            (vectors::text(&expected["enrollment"]), vectors::bytes(&expected["key"]), self.app.clock.now());
        let sealed = self.app.sealer.seal(&format!("enrollment key {id}"), &key).unwrap();
        Enrollment {
            scanned: Code { id, key: Some(sealed), wrong_macs: 0 },
            typed: None,
            typed_shown: None,
            account_id: self.person.account_id.clone(),
            session: "wizard".to_owned(),
            given: Given::by_pass(PASS, &Given::by_operator(now), now),
            expires_at: now + 600,
            state: EnrollmentState::Open,
            nonces: Vec::new(),
            bound_by: None,
            device_id: None,
            wrong_digits: 0,
            another_phone: false,
            ceremony: None,
            keys_document: 1,
        }
    }

    /// Returns the names of all people and groups.
    pub(crate) fn names(&self) -> Vec<String> {
        let found = self.app.store.global_blocking(|tx| {
            let people = people::everybody(tx)?.into_iter().flat_map(|person| [person.user_name, person.display_name]);
            Ok(people.chain(groups(tx)?.into_iter().map(|group| group.name)).collect())
        });
        found.unwrap()
    }

    /// Sends a request that does not wait for events, and returns the response.
    pub(crate) fn answered(&self, request: Request<Body>) -> Answer {
        self.send_within(request, NEVER_WAITS).unwrap()
    }

    /// Sends a request that may wait for an event. Returns `None` when it waits.
    pub(crate) fn send(&self, request: Request<Body>) -> Option<Answer> {
        self.send_within(request, MAY_WAIT)
    }

    /// Sends a request, and checks the rules for every response: no server error, and the usual headers.
    fn send_within(&self, request: Request<Body>, limit: Duration) -> Option<Answer> {
        let answer = self.runtime.block_on(async {
            let response = tokio::time::timeout(limit, self.router.clone().oneshot(request)).await.ok()?.unwrap();
            let (parts, body) = response.into_parts();
            let streams = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
            let body = if streams { Vec::new() } else { to_bytes(body, 1 << 20).await.unwrap().to_vec() };
            Some(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
        })?;
        assert!(answer.status < 500, "the service failed: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.header("cache-control").is_empty(), "a response has no `cache-control`");
        Some(answer)
    }

    /// Posts a phone's message.
    pub(crate) fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.answered(Request::post(path).body(body.into()).unwrap())
    }

    /// Returns the CSRF token of the session's forms.
    pub(crate) fn csrf(&self) -> String {
        let nonce = [0; 16];
        let bound_to = [nonce.as_slice(), format!("{COOKIE} {COOKIE}").as_bytes()].concat();
        encode(&[nonce.as_slice(), hmac::sign(&self.app.csrf, &bound_to).as_ref()].concat())
    }
}
