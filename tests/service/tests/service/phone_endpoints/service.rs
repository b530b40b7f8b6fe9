//! A service for tests, with one person and a clock that only the test advances. The database is in memory, or in a
//! folder if several services share it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use countersign_service::addresses;
use countersign_service::app::App;
use countersign_service::clock::{Clock, SystemClock, Time};
use countersign_service::config::{Client, Config, Limit};
use countersign_service::devices::records as devices;
use countersign_service::enrollment::acts as enrollment;
use countersign_service::enrollment::rules::Digits;
use countersign_service::operator;
use countersign_service::people::person::Person;
use countersign_service::people::records as people;
use countersign_service::phone_sign_in::acts as registrations;
use countersign_service::phone_sign_in::registration::{Registration, RegistrationCode};
use countersign_service::phone_sign_in::rules::CODE_LIFE;
use countersign_service::policy::document::patch;
use countersign_service::policy::records::{current, group_ids, keep};
use countersign_service::prompts::acts::{self, NotStarted, Only, Wanted};
use countersign_service::prompts::ceremony::{Ceremony, Context, Kind, Match, Origin, Outcome, Owner};
use countersign_service::prompts::change::Change;
use countersign_service::provenance::Given;
use countersign_service::secrets::{decode, hashed, random_id};
use countersign_service::sign_in::session::{Session, Used};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use super::phone::Phone;
use crate::support::RETURN;

pub const ISSUER: &str = "https://login.example.com";
pub const SESSION: &str = "wizard";

pub struct StillClock(AtomicI64);

impl StillClock {
    pub fn advance(&self, seconds: Time) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Time {
        self.0.load(Ordering::SeqCst)
    }
}

/// A code after a phone has read it.
#[derive(Clone)]
pub struct Code {
    pub id: String,
    pub key: Vec<u8>,
    pub enrollment: String,
    /// The wizard's session.
    pub session: String,
    pub issuer: String,
}

pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub mac: Option<String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn problem(&self) -> String {
        assert_eq!(self.kind, "application/problem+json", "{}", self.body);
        let kind = self.json()["type"].as_str().unwrap().to_owned();
        kind.strip_prefix("https://countersign.dev/problems/").unwrap().to_owned()
    }
}

#[derive(Clone)]
pub struct Service {
    pub app: App,
    pub clock: Arc<StillClock>,
    pub account: String,
    url: String,
    client: reqwest::Client,
}

impl Service {
    pub async fn start() -> Self {
        Self::with_relays(Vec::new(), String::new()).await
    }

    pub async fn with_relays(private_relays: Vec<String>, relay_authorities: String) -> Self {
        Self::called(ISSUER, private_relays, relay_authorities).await
    }

    pub async fn called(issuer: &str, private_relays: Vec<String>, relay_authorities: String) -> Self {
        let clock = Arc::new(StillClock(AtomicI64::new(1_790_000_000)));
        let config = Config { issuer: issuer.to_owned(), private_relays, relay_authorities, ..config() };
        let app = App::open(config, clock.clone()).unwrap();
        operator::add_person(&app.store, "alice", "Alice", "correct horse", app.clock.now()).unwrap();
        Self::serve(app, clock).await
    }

    /// Starts two services that share only a database file and the clock.
    pub async fn two() -> (Self, Self, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(StillClock(AtomicI64::new(1_790_000_000)));
        let open = || {
            let config = Config { data: Some(folder.path().to_owned()), ..config() };
            App::open(config, clock.clone()).unwrap()
        };
        let (one, two) = (open(), open());
        operator::add_person(&one.store, "alice", "Alice", "correct horse", one.clock.now()).unwrap();
        (Self::serve(one, clock.clone()).await, Self::serve(two, clock.clone()).await, folder)
    }

    /// Starts a service on a folder that other processes may use. Its clock begins at the system's time, and only the
    /// test advances it.
    pub async fn on(folder: &Path) -> Self {
        Self::at(folder, SystemClock::default().now()).await
    }

    /// Starts a service on a folder that contains a database, with a clock that stands at `now`.
    pub async fn at(folder: &Path, now: Time) -> Self {
        let clock = Arc::new(StillClock(AtomicI64::new(now)));
        let app = App::open(Config { data: Some(folder.to_owned()), ..config() }, clock.clone()).unwrap();
        Self::serve(app, clock).await
    }

    /// Opens the folder of this service again, as after a restart.
    pub async fn restarted(&self, folder: &TempDir) -> Self {
        let config = Config { data: Some(folder.path().to_owned()), ..config() };
        Self::serve(App::open(config, self.clock.clone()).unwrap(), self.clock.clone()).await
    }

    /// Returns a client for a service that another process runs on this service's folder.
    pub fn elsewhere(&self, url: String, authority: &[u8]) -> Self {
        let trusted = reqwest::Certificate::from_pem(authority).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
        Self { url, client, ..self.clone() }
    }

    /// Returns the same service with a new HTTP client, for use in another async runtime.
    pub fn fresh(&self) -> Self {
        Self { client: reqwest::Client::builder().no_proxy().build().unwrap(), ..self.clone() }
    }

    async fn serve(app: App, clock: Arc<StillClock>) -> Self {
        let person = app.store.global_blocking(|tx| people::find(tx, "alice")).unwrap().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = addresses::router(&app).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { app, clock, account: person.account_id, url, client }
    }

    pub fn now(&self) -> Time {
        self.clock.now()
    }

    pub async fn post(&self, endpoint: &str, body: impl Into<reqwest::Body>) -> Answer {
        let sent = self.client.post(format!("{}/phone/{endpoint}", self.url)).body(body).send().await.unwrap();
        answer(sent).await
    }

    /// Posts a form to an OAuth endpoint, with any number of DPoP proofs.
    pub async fn form(&self, path: &str, fields: &[(String, String)], proofs: &[String]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = self.client.post(format!("{}{path}", self.url)).body(body);
        for proof in proofs {
            request = request.header("dpop", proof);
        }
        answer(request.send().await.unwrap()).await
    }

    pub async fn keys(&self) -> Answer {
        answer(self.client.get(format!("{}/phone/keys", self.url)).send().await.unwrap()).await
    }

    pub async fn scanned(&self) -> Code {
        self.scanned_in(SESSION).await
    }

    /// Starts an enrollment in the given session and returns its code.
    pub async fn scanned_in(&self, session: &str) -> Code {
        self.code_of(self.start_enrollment(session), session).await
    }

    /// Returns the scanned code of an enrollment that was started in the given session.
    pub async fn code_of(&self, enrollment: String, session: &str) -> Code {
        let record = enrollment::current(&self.app, enrollment.clone()).await.unwrap().unwrap();
        let text = Url::parse(&enrollment::scanned_text(&self.app, &record).unwrap()).unwrap();
        let member = |name: &str| text.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        assert_eq!((member("v"), member("issuer")), ("1".to_owned(), self.app.config.issuer.clone()));
        let (key, session) = (decode(&member("secret")).unwrap(), session.to_owned());
        Code { id: member("id"), key, enrollment, session, issuer: member("issuer") }
    }

    /// Returns what allows adding a phone: the password for the first phone, else a new approval.
    pub fn may_add(&self) -> Given {
        let (account, now) = (self.account.clone(), self.now());
        let given = self.app.store.global_blocking(|tx| {
            if devices::active(tx, &account)?.is_empty() {
                let person: Person = tx.get(&account)?.unwrap();
                return Ok(Given::by_password(person.password_changed_at, now));
            }
            let id = random_id().unwrap();
            let ceremony = Ceremony {
                id: id.clone(),
                account_id: account.clone(),
                owner: Owner::Session(SESSION.to_owned()),
                known_browser: None,
                kind: Kind::AddMethod,
                origin: Origin::SignedIn,
                number: String::new(),
                r#match: Match::Enter { digits: 2 },
                network: String::new(),
                quiet: false,
                created_at: now - 600,
                expires_at: now - 300,
                outcome: Some(Outcome::Approved),
                decided_at: Some(now),
                decided_by: Some("a phone".to_owned()),
                redeemed: false,
                change: Some(Change::AddMethod),
                standing: Vec::new(),
                added: None,
            };
            tx.insert(&ceremony)?;
            Ok(ceremony.gives(now).unwrap())
        });
        given.unwrap()
    }

    /// Starts an enrollment in a session, and returns its id. Creates the session if it does not exist.
    pub fn start_enrollment(&self, session: &str) -> String {
        self.start_enrollment_by(session, self.may_add())
    }

    /// Like `start_enrollment`, with a permission to add a phone.
    pub fn start_enrollment_by(&self, session: &str, given: Given) -> String {
        let (account, now) = (self.account.clone(), self.now());
        let fresh = enrollment::fresh(&self.app, account.clone(), session.to_owned(), given.clone(), now).unwrap();
        let started = self.app.store.global_blocking(|tx| {
            let wizard = Session::new(session.to_owned(), account.clone(), Used::PasswordAndPhone, given.clone());
            tx.insert_or_update(&wizard, |stored| stored.expires_at = wizard.expires_at)?;
            enrollment::start_in(tx, &fresh, now)
        });
        started.unwrap();
        fresh.scanned.id
    }

    /// Types digits into the wizard.
    pub async fn digits(&self, code: &Code, typed: String) -> Digits {
        let (enrollment, session) = (code.enrollment.clone(), code.session.clone());
        enrollment::digits(&self.app, &self.account, enrollment, session, typed).await.unwrap()
    }

    /// Issues an authorization code for a pushed request, as if the person had signed in and agreed in the browser. The
    /// journeys test the pages on which the person does this.
    pub fn agreed(&self, request_uri: &str) -> String {
        let (code, given, now) = (random_id().unwrap(), self.may_add(), self.now());
        let issued = self.app.store.global_blocking(|tx| {
            let registration = registrations::take(tx, request_uri, now)?.unwrap();
            tx.insert(&RegistrationCode {
                id: hashed(code.as_bytes()),
                registration: Registration { account_id: Some(self.account.clone()), ..registration },
                expires_at: now + CODE_LIFE,
                token: None,
                given: given.clone(),
            })
        });
        issued.unwrap();
        code
    }

    /// Adds a new phone to the account.
    pub async fn with_phone(&self, seed: u8) -> Phone {
        self.added(Phone::new(seed)).await
    }

    pub async fn added(&self, mut phone: Phone) -> Phone {
        let code = self.scanned().await;
        phone.bind(self, &code).await;
        assert_eq!(self.digits(&code, phone.digits(&code)).await, Digits::Right);
        phone
    }

    pub fn wanted(&self, attempt: &str) -> Wanted {
        Wanted {
            account_id: self.account.clone(),
            owner: Owner::Attempt(attempt.to_owned()),
            known_browser: None,
            kind: Kind::SecondFactor,
            origin: Origin::PasswordProved,
            context: Context {
                application: "Mail".to_owned(),
                browser: "Firefox".to_owned(),
                os: "Linux".to_owned(),
                address: "192.0.2.7".to_owned(),
                about: None,
            },
            network: "192.0.2.0/24".to_owned(),
            drawn: None,
            proven: None,
            change: None,
            only: Only::All,
        }
    }

    pub async fn try_ask(&self, attempt: &str) -> Result<Ceremony, NotStarted> {
        acts::start(&self.app, self.wanted(attempt)).await.unwrap().into_result()
    }

    pub async fn ask(&self, attempt: &str) -> Ceremony {
        self.try_ask(attempt).await.unwrap()
    }

    pub fn set_policy(&self, change: &Value) {
        let now = self.now();
        let kept = self.app.store.global_blocking(|tx| {
            let (before, groups) = (current(tx)?, group_ids(tx)?);
            keep(tx, patch(&before, change, &groups).unwrap(), Given::by_operator(now), "administrator", now)
        });
        kept.unwrap();
    }

    /// Returns the ceremony as it is stored now.
    pub fn ceremony(&self, id: &str) -> Ceremony {
        self.app.store.global_blocking(|tx| tx.get(id)).unwrap().unwrap()
    }
}

fn config() -> Config {
    Config {
        issuer: ISSUER.to_owned(),
        organization: "Example".to_owned(),
        data: None,
        clients: vec![Client {
            id: "web".to_owned(),
            secret: "web-secret".to_owned(),
            name: "Web".to_owned(),
            redirect_uris: vec![RETURN.to_owned()],
        }],
        phone_redirects: vec!["https://app.test/phone-sign-in".to_owned()],
        app_link: None,
        private_relays: Vec::new(),
        relay_authorities: String::new(),
        limits: Limit { burst: 1_000_000, per_second: 1_000_000 },
    }
}

async fn answer(response: reqwest::Response) -> Answer {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, kind, mac) = (response.status().as_u16(), header("content-type"), header("countersign-mac"));
    Answer { status, kind: kind.unwrap_or_default(), mac, body: response.text().await.unwrap() }
}
