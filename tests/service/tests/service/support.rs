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
use countersign_service::operator;
use countersign_service::people::records as people;
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
                let account = people::find(tx, "alice")?.unwrap().account_id;
                let used = if approved { Used::PasswordAndPhone } else { Used::Password };
                tx.insert(&Session::new(id.clone(), account, used, now))
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
