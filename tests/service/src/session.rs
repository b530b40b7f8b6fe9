//! Who a browser is: its three cookies, and the proof that a form came from our own page.
//!
//! Cookies are `__Host-`, HttpOnly, Secure, SameSite=Lax, 128 random bits, stored hashed. A form counts only
//! with our own `Origin` and a token bound to the cookies of the page it stood on. Sessions live in the
//! service's own store, since a report must end them in its own transaction.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use ring::hmac;

use crate::agent::Agent;
use crate::app::App;
use crate::clock::Time;
use crate::limits::{self, Peer};
use crate::pages::{forbidden, words};
use crate::secrets::{decode, encode, hashed};
use crate::sign_in::records::{Attempt, Session};
use crate::store::StoreError;

const ATTEMPT: &str = "__Host-attempt";
const SESSION: &str = "__Host-session";
const BROWSER: &str = "__Host-browser";
const WAY: &str = "__Host-way";
/// Its only value: the phone was used last in this browser.
const BY_PHONE: &str = "phone";
const BROWSER_LIFE: i64 = 90 * crate::clock::DAY;

/// A browser and what is known of it.
pub struct Visitor {
    /// Its attempt to sign in.
    pub attempt: Option<Attempt>,
    /// Its session.
    pub session: Option<Session>,
    /// Its browser cookie.
    pub browser: Option<String>,
    /// Whether the phone was the last way to sign in here, whoever it was.
    pub prefers_phone: bool,
    /// What it says of itself.
    pub agent: Agent,
    /// Where it is.
    pub peer: Peer,
    /// The service's time.
    pub now: Time,
    session_cookie: Option<String>,
    bound_to: String,
}

impl Visitor {
    /// The token for forms on this visitor's pages.
    #[must_use]
    pub fn csrf(&self, app: &App) -> String {
        encode(hmac::sign(&app.csrf, self.bound_to.as_bytes()).as_ref())
    }

    /// Forms on the answer's page belong to the attempt whose cookie is set with it.
    #[must_use]
    pub fn rebound(mut self, attempt: &str) -> Self {
        self.bound_to = bound_to(Some(attempt), self.session_cookie.as_deref());
        self
    }
}

fn bound_to(attempt: Option<&str>, session: Option<&str>) -> String {
    format!("{} {}", attempt.unwrap_or("-"), session.unwrap_or("-"))
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Ok(peer) = Peer::from_request_parts(parts, app).await;
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = |name: &str| jar.get(name).map(|cookie| cookie.value().to_owned()).filter(|value| is_ours(value));
        let (attempt, session, browser) = (cookie(ATTEMPT), cookie(SESSION), cookie(BROWSER));
        let bound_to = bound_to(attempt.as_deref(), session.as_deref());
        let session_cookie = session.clone();
        let prefers_phone = jar.get(WAY).is_some_and(|cookie| cookie.value() == BY_PHONE);
        let now = app.clock.now();
        let found = app
            .store
            .run(move |tx| {
                let attempt = match attempt {
                    Some(cookie) => tx.get::<Attempt>(&hashed(cookie.as_bytes()))?,
                    None => None,
                };
                let session = match session {
                    Some(cookie) => tx.get::<Session>(&hashed(cookie.as_bytes()))?,
                    None => None,
                };
                Ok((attempt.filter(|it| it.expires_at > now), session.filter(|it| it.expires_at > now)))
            })
            .await;
        let (attempt, session) = found.map_err(|error| failed(app, &error))?;
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self {
            attempt,
            session,
            browser,
            prefers_phone,
            agent: Agent::read(agent),
            peer,
            now,
            session_cookie,
            bound_to,
        })
    }
}

fn is_ours(value: &str) -> bool {
    decode(value).is_some_and(|bytes| bytes.len() == 16)
}

/// The page for a database that failed.
pub fn failed(app: &App, error: &StoreError) -> Response {
    tracing::error!(%error, "the database failed");
    words::unavailable().show_as(axum::http::StatusCode::SERVICE_UNAVAILABLE, app, "")
}

/// A form from one of our own pages.
pub struct Posted {
    /// Who sent it.
    pub visitor: Visitor,
    fields: HashMap<String, String>,
}

impl Posted {
    /// What was filled in; empty when it was not.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl FromRequest<App> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        if !is_from_us(&parts.headers, &app.config.issuer) {
            return Err(forbidden(app));
        }
        let visitor = Visitor::from_request_parts(&mut parts, app).await?;
        if !limits::page(app, &visitor.peer).await.map_err(|error| failed(app, &error))? {
            let page = words::home().problem(Some(words::TOO_MANY));
            return Err(page.show_as(axum::http::StatusCode::TOO_MANY_REQUESTS, app, ""));
        }
        let request = Request::from_parts(parts, body);
        let body = Bytes::from_request(request, app).await.map_err(|_too_large| forbidden(app))?;
        let fields: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
        let token = fields.get("csrf").and_then(|token| decode(token)).unwrap_or_default();
        if hmac::verify(&app.csrf, visitor.bound_to.as_bytes(), &token).is_err() {
            return Err(forbidden(app));
        }
        Ok(Self { visitor, fields })
    }
}

/// Browsers say where a form came from; one that says nothing at all is refused.
fn is_from_us(headers: &HeaderMap, issuer: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("origin"), text("sec-fetch-site")) {
        (Some(origin), site) => origin == issuer && site.is_none_or(|site| site == "same-origin"),
        (None, site) => site == Some("same-origin"),
    }
}

/// Which of the cookies.
#[derive(Clone, Copy)]
pub enum Kind {
    /// An attempt to sign in.
    Attempt,
    /// A session.
    Session,
    /// The browser, kept for 90 days.
    Browser,
    /// The way it used last, kept as long.
    Way,
}

/// Adds a cookie to the answer.
#[must_use]
pub fn with_cookie(response: Response, kind: Kind, value: &str) -> Response {
    append(response, &cookie(kind, value, kind.life()))
}

/// Remembers which way this browser used last.
#[must_use]
pub fn with_way(response: Response, by_phone: bool) -> Response {
    if by_phone { with_cookie(response, Kind::Way, BY_PHONE) } else { without_cookie(response, Kind::Way) }
}

/// Takes a cookie back.
#[must_use]
pub fn without_cookie(response: Response, kind: Kind) -> Response {
    append(response, &cookie(kind, "", Some(0)))
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Attempt => ATTEMPT,
            Self::Session => SESSION,
            Self::Browser => BROWSER,
            Self::Way => WAY,
        }
    }

    /// Seconds; none ends with the browser.
    fn life(self) -> Option<i64> {
        match self {
            Self::Attempt | Self::Session => None,
            Self::Browser | Self::Way => Some(BROWSER_LIFE),
        }
    }
}

fn cookie(kind: Kind, value: &str, life: Option<i64>) -> Cookie<'static> {
    let mut cookie = Cookie::new(kind.name(), value.to_owned());
    cookie.set_path("/");
    cookie.set_secure(true);
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    if let Some(seconds) = life {
        cookie.set_max_age(time::Duration::seconds(seconds));
    }
    cookie
}

fn append(mut response: Response, cookie: &Cookie<'_>) -> Response {
    if let Ok(value) = cookie.to_string().parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
