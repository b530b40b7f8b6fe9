//! Who a browser is: its cookies, and the proof that a form came from our own page.
//!
//! Cookies are `__Host-`, HttpOnly, Secure, SameSite=Lax, 128 random bits. Those of attempts, sessions and known
//! browsers are stored hashed; the form cookie is not stored. A form counts only with our own `Origin` and a token
//! bound to the form cookie and to the session of the page it stood on. The attempt's cookie changes with each step of
//! signing in, the form cookie does not: so a second tab can send its form. Sessions live in the service's own store,
//! since a report must end them in its own transaction.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use ring::hmac;

use crate::agent::Agent;
use crate::app::App;
use crate::clock::Time;
use crate::limits::{self, Peer};
use crate::pages::words;
use crate::secrets::{decode, encode, hashed, random, random_id};
use crate::sign_in::flow::Flow;
use crate::sign_in::records::{Attempt, Session};
use crate::store::StoreError;

const ATTEMPT: &str = "__Host-attempt";
const SESSION: &str = "__Host-session";
const BROWSER: &str = "__Host-browser";
const WAY: &str = "__Host-way";
const FORM: &str = "__Host-form";
/// Its only value: the phone was used last in this browser.
const BY_PHONE: &str = "phone";
const BROWSER_LIFE: i64 = 90 * crate::clock::DAY;

/// Bytes of the random part of a form's token.
const NONCE: usize = 16;

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
    /// What the address says that the person came for.
    pub flow: Option<Flow>,
    cookies: Cookies,
}

/// Cookies as the browser sent them.
struct Cookies {
    attempt: Option<String>,
    session: Option<String>,
    browser: Option<String>,
    form: Option<String>,
}

impl Cookies {
    fn read(jar: &CookieJar) -> Self {
        let cookie = |name: &str| jar.get(name).map(|cookie| cookie.value().to_owned()).filter(|value| is_ours(value));
        Self { attempt: cookie(ATTEMPT), session: cookie(SESSION), browser: cookie(BROWSER), form: cookie(FORM) }
    }
}

impl Visitor {
    /// The same visitor, on the pages of a flow.
    #[must_use]
    pub fn in_flow(self, flow: Flow) -> Self {
        Self { flow: Some(flow), ..self }
    }

    /// Whether the browser brings a session that is over.
    #[must_use]
    pub fn has_lost_session(&self) -> bool {
        self.session.is_none() && self.cookies.session.is_some()
    }

    /// The token for the forms of one page, and the form cookie that must be set with it, unless the browser has one.
    #[must_use]
    pub fn form_token(&self, app: &App) -> (String, Option<String>) {
        let (Ok(fresh), Ok(nonce)) = (random_id(), random::<NONCE>()) else {
            // Without randomness no form of this page counts.
            return (String::new(), None);
        };
        let cookie = self.cookies.form.as_deref().unwrap_or(&fresh);
        let mac = hmac::sign(&app.csrf, &bound_to(&nonce, cookie, self.cookies.session.as_deref()));
        let token = encode(&[nonce.as_slice(), mac.as_ref()].concat());
        (token, self.cookies.form.is_none().then_some(fresh))
    }

    /// Whether a form's token was made for this browser, in this session.
    fn made(&self, app: &App, token: &str) -> bool {
        let (Some(cookie), Some(token)) = (&self.cookies.form, decode(token)) else {
            return false;
        };
        let Some((nonce, mac)) = token.split_first_chunk::<NONCE>() else {
            return false;
        };
        hmac::verify(&app.csrf, &bound_to(nonce, cookie, self.cookies.session.as_deref()), mac).is_ok()
    }
}

/// What a form's token says. The nonce makes each page's token another one, so that two requests with the same token
/// are one form, sent twice.
fn bound_to(nonce: &[u8], form: &str, session: Option<&str>) -> Vec<u8> {
    [nonce, format!("{form} {}", session.unwrap_or("-")).as_bytes()].concat()
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Ok(peer) = Peer::from_request_parts(parts, app).await;
        let jar = CookieJar::from_headers(&parts.headers);
        let cookies = Cookies::read(&jar);
        let (attempt, session) = (cookies.attempt.clone(), cookies.session.clone());
        let prefers_phone = jar.get(WAY).is_some_and(|cookie| cookie.value() == BY_PHONE);
        let now = app.clock.now();
        let flow = match flow_of(parts) {
            Some(text) => Some(Flow::open(app, &text).ok_or_else(|| bad_address(app))?),
            None => None,
        };
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
        let (browser, agent) = (cookies.browser.clone(), Agent::read(agent));
        Ok(Self { attempt, session, browser, prefers_phone, agent, peer, now, flow, cookies })
    }
}

/// The flow in the address.
fn flow_of(parts: &Parts) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "flow").map(|(_, flow)| flow.into_owned())
}

fn bad_address(app: &App) -> Response {
    words::bad_request("The address of this page is not whole.").show_as(StatusCode::BAD_REQUEST, app, None)
}

fn is_ours(value: &str) -> bool {
    decode(value).is_some_and(|bytes| bytes.len() == 16)
}

/// The page for a database that failed.
pub fn failed(app: &App, error: &StoreError) -> Response {
    tracing::error!(%error, "the database failed");
    words::unavailable().show_as(StatusCode::SERVICE_UNAVAILABLE, app, None)
}

/// A form from one of our own pages.
pub struct Posted {
    /// Who sent it.
    pub visitor: Visitor,
    /// Its name among the forms of every page: two requests of the same name are one form, sent twice.
    pub id: String,
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
            return Err(words::foreign_form().show_as(StatusCode::FORBIDDEN, app, None));
        }
        let visitor = Visitor::from_request_parts(&mut parts, app).await?;
        if !limits::page(app, &visitor.peer).await.map_err(|error| failed(app, &error))? {
            return Err(words::too_many().show_as(StatusCode::TOO_MANY_REQUESTS, app, Some(&visitor)));
        }
        if visitor.cookies.form.is_none() {
            let page = words::cookies_needed(&app.config.issuer);
            return Err(page.show_as(StatusCode::FORBIDDEN, app, Some(&visitor)));
        }
        let path = parts.uri.to_string();
        let body = match Bytes::from_request(Request::from_parts(parts, body), app).await {
            Ok(body) => body,
            Err(_too_large) => {
                return Err(words::form_too_large().show_as(StatusCode::PAYLOAD_TOO_LARGE, app, Some(&visitor)));
            }
        };
        let fields: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
        if !visitor.made(app, fields.get("csrf").map_or("", String::as_str)) {
            let page = words::stale_form(visitor.flow.is_some());
            return Err(page.show_as(StatusCode::FORBIDDEN, app, Some(&visitor)));
        }
        let id = form_id(&visitor.cookies, &path, &body);
        Ok(Self { visitor, id, fields })
    }
}

/// A form is known by where it goes, by every byte of it, its page's own token among them, and by the browser's cookies.
fn form_id(cookies: &Cookies, path: &str, body: &[u8]) -> String {
    let text = |cookie: &Option<String>| cookie.clone().unwrap_or_default();
    let (attempt, session, form) = (text(&cookies.attempt), text(&cookies.session), text(&cookies.form));
    let head = format!("{path}\n{attempt}\n{session}\n{form}\n");
    hashed(&[head.as_bytes(), body].concat())
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
    /// What forms are bound to.
    Form,
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
            Self::Form => FORM,
        }
    }

    /// Seconds; none ends with the browser.
    fn life(self) -> Option<i64> {
        match self {
            Self::Attempt | Self::Session | Self::Form => None,
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
