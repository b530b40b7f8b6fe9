//! A service in memory, and a browser that calls the service without a network.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use countersign_service::addresses;
use countersign_service::app::App;
use countersign_service::clock::SystemClock;
use countersign_service::config::Limit;
use countersign_service::config::{Client, Config};
use countersign_service::devices::device::{Claimed, Device, State, Subscription};
use countersign_service::jose::SigningKey;
use countersign_service::operator;
use countersign_service::people::records as people;
use countersign_service::prompts::ceremony::{Ceremony, Outcome};
use countersign_service::provenance::{ApprovedBy, Given, Giver};
use countersign_service::secrets::{hashed, random_id};
use countersign_service::sign_in::flow::with_flow;
use countersign_service::sign_in::session::{Session, Used};
use tower::ServiceExt;

pub const ISSUER: &str = "https://localhost:8443";
pub const RETURN: &str = "https://web.example/callback";
pub const PASSWORD: &str = "correct horse";

/// A configuration with two applications and a database in memory.
pub fn config() -> Config {
    let client = |id: &str, redirect: &str| Client {
        id: id.to_owned(),
        secret: format!("{id}-secret"),
        name: id.to_owned(),
        redirect_uris: vec![redirect.to_owned()],
    };
    Config {
        issuer: ISSUER.to_owned(),
        organization: "Example".to_owned(),
        data: None,
        clients: vec![client("web", RETURN), client("other", "https://other.example/callback")],
        phone_redirects: Vec::new(),
        app_link: None,
        private_relays: Vec::new(),
        relay_authorities: String::new(),
        limits: Limit { burst: 1_000, per_second: 1_000 },
    }
}

/// A service with one person, Alice.
pub fn service() -> (App, Arc<SystemClock>) {
    let clock = Arc::new(SystemClock::default());
    let app = App::open(config(), clock.clone()).unwrap();
    operator::add_person(&app.store, "alice", "Alice", PASSWORD, app.clock.now()).unwrap();
    (app, clock)
}

/// Gives Alice an active phone that knows administrative acts.
pub fn add_phone(app: &App) {
    let key = SigningKey::from_scalar(&[7; 32]).unwrap().public().clone();
    let text = |text: &str| text.to_owned();
    let claimed = Claimed { name: text("Phone"), model: text("M"), os: text("OS"), app_version: text("1") };
    let push = Subscription { endpoint: text("https://127.0.0.1/x"), p256dh: text(""), auth: text("") };
    let now = app.clock.now();
    app.store
        .global_blocking(|tx| {
            let account = people::find(tx, "alice")?.unwrap().account_id;
            let given = Given::by_operator(now);
            let mut device =
                Device::pending(text("phone"), account, key.clone(), claimed.clone(), push.clone(), given, now);
            (device.state, device.features) = (State::Active, vec![text("administration")]);
            tx.insert(&device)
        })
        .unwrap();
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Returns the `Location` header without the flow parameter.
    pub fn location(&self) -> Option<&str> {
        let location = self.whole_location()?;
        Some(location.split_once("?flow=").map_or(location, |(path, _)| path))
    }

    fn whole_location(&self) -> Option<&str> {
        self.headers.get(header::LOCATION).map(|value| value.to_str().unwrap())
    }

    /// Returns the URL that the page `leaving` links to.
    pub fn leads_to(&self) -> String {
        assert_eq!(self.page(), "leaving", "{}", self.body);
        self.after("<a id=\"leave\" class=\"button main\" href=\"").replace("&#38;", "&")
    }

    /// Returns the text that follows `before` on the page, up to the next quotation mark.
    pub fn after(&self, before: &str) -> String {
        let rest = self.body.split_once(before).map(|(_, rest)| rest).unwrap_or_default();
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    pub fn page(&self) -> String {
        self.after("data-page=\"")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
    pub csrf: String,
    /// The flow of the last page.
    pub flow: Option<String>,
    pub origin: Option<&'static str>,
}

impl Browser {
    pub fn new(app: &App) -> Self {
        let cookies = BTreeMap::new();
        Self { router: addresses::router(app), cookies, csrf: String::new(), flow: None, origin: Some(ISSUER) }
    }

    /// Returns a browser in which Alice is signed in: with the password and a phone if `approved` is true, otherwise
    /// with the password only.
    pub fn signed_in(app: &App, approved: bool) -> Self {
        let (cookie, now) = (random_id().unwrap(), app.clock.now());
        let id = hashed(cookie.as_bytes());
        app.store
            .global_blocking(|tx| {
                let alice = people::find(tx, "alice")?.unwrap();
                let (used, given) = match approved {
                    true => (Used::PasswordAndPhone, by_approval("an earlier sign-in", "phone", now)),
                    false => (Used::Password, Given::by_password(alice.password_changed_at, now)),
                };
                tx.insert(&Session::new(id.clone(), alice.account_id, used, given))
            })
            .unwrap();
        let mut browser = Self::new(app);
        browser.cookies.insert("__Host-session".to_owned(), cookie);
        browser
    }

    /// Opens a path. If the path is a sign-in page, it is opened in the flow of the last page, as if the person had
    /// followed a link on that page.
    pub async fn get(&mut self, path: &str) -> Answer {
        let path = with_flow(path, self.flow.as_deref());
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Posts a form of the last page.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let (csrf, path) = (self.csrf.clone(), with_flow(path, self.flow.as_deref()));
        let body = form(&[&[("csrf", csrf.as_str())], fields].concat());
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(origin) = self.origin {
            request = request.header(header::ORIGIN, origin);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// If a form was answered with the number page of an administrative act, approves the act as Alice's phone does, and
    /// finishes. The journeys test the approval by a real phone.
    pub async fn approved(&mut self, app: &App, answer: Answer) -> Answer {
        if answer.location() != Some("/admin/approve") {
            return answer;
        }
        let now = app.clock.now();
        app.store
            .global_blocking(|tx| {
                let account = people::find(tx, "alice")?.unwrap().account_id;
                let waiting = tx.children::<Ceremony>(&account)?.into_iter().find(|one| one.is_live(now)).unwrap();
                let approved = |one: &mut Ceremony| {
                    (one.outcome, one.decided_at) = (Some(Outcome::Approved), Some(now));
                    one.decided_by = Some("phone".to_owned());
                };
                tx.update(&waiting.id, approved)?.granted().unwrap();
                Ok(())
            })
            .unwrap();
        self.get("/admin/approve").await;
        let done = self.post("/admin/approve/finish", &[]).await;
        self.follow(done).await
    }

    /// Returns the body without the CSRF token and the flow, so that tests can compare two pages.
    pub fn words(&self, answer: &Answer) -> String {
        answer.body.replace(&self.csrf, "").replace(self.flow.as_deref().unwrap_or("no flow"), "")
    }

    /// Follows redirects within the service.
    pub async fn follow(&mut self, mut answer: Answer) -> Answer {
        while let Some(path) = answer.whole_location().filter(|to| to.starts_with('/')).map(str::to_owned) {
            answer = self.get(&path).await;
        }
        answer
    }

    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
        let seen = |before| Some(answer.after(before)).filter(|found| !found.is_empty());
        self.csrf = seen("name=\"csrf\" value=\"").unwrap_or(std::mem::take(&mut self.csrf));
        self.flow = seen("?flow=").or(self.flow.take());
        answer
    }
}

/// Encodes form fields as a browser sends them.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Returns the provenance of what an approval in a ceremony gives.
pub fn by_approval(ceremony: &str, device: &str, at: i64) -> Given {
    let (ceremony, device) = (ceremony.to_owned(), device.to_owned());
    Given::by_approval(ApprovedBy { ceremony, device, at, administers: false, acted_at: None }, at)
}

/// Returns the provenance with this giver. An approval is one of the device "a phone".
pub fn given_by(giver: Giver, at: i64) -> Given {
    match giver {
        Giver::Password(since) => Given::by_password(since, at),
        Giver::Pass(id) => Given::by_pass(&id, &Given::by_operator(at), at),
        Giver::Approval(ceremony) => by_approval(&ceremony, "a phone", at),
        Giver::DeviceKey(thumbprint) => Given::by_device_key(&thumbprint, at),
        Giver::Operator => Given::by_operator(at),
        Giver::Unrecorded => Given::unrecorded(at),
    }
}
