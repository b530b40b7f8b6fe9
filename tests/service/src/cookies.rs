//! The service's cookies: `__Host-`, HttpOnly, Secure, SameSite=Lax. Every cookie contains 128 random bits, except
//! [`Kind::Way`].
//!
//! The database contains hashes of the cookies of attempts, sessions and known browsers. It contains neither the form
//! cookie nor the cookie [`Kind::Way`].

use axum::http::header;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::clock::DAY;
use crate::secrets::decode;

const ATTEMPT: &str = "__Host-attempt";
// GUARD(host-cookie): j6_w12_session_cookies_of_a_sibling_site_are_ignored
// INSTEAD: const SESSION: &str = "session";
const SESSION: &str = "__Host-session";
const BROWSER: &str = "__Host-browser";
const WAY: &str = "__Host-way";
const FORM: &str = "__Host-form";

/// The only value of the cookie [`Kind::Way`]. It means that the last sign-in in this browser used the phone.
const BY_PHONE: &str = "phone";
const BROWSER_LIFE: i64 = 90 * DAY;

/// A kind of cookie.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Identifies an attempt.
    Attempt,
    /// Identifies a session.
    Session,
    /// Identifies a known browser. Lasts 90 days.
    Browser,
    /// Present if the last sign-in in this browser used the phone. Lasts 90 days.
    Way,
    /// The cookie that forms are bound to.
    Form,
}

/// Adds a cookie to a response.
#[must_use]
pub fn with_cookie(response: Response, kind: Kind, value: &str) -> Response {
    append(response, &cookie(kind, value, kind.life()))
}

/// Sets the cookie [`Kind::Way`] if this sign-in used the phone, and deletes the cookie otherwise.
#[must_use]
pub fn with_way(response: Response, by_phone: bool) -> Response {
    if by_phone { with_cookie(response, Kind::Way, BY_PHONE) } else { without_cookie(response, Kind::Way) }
}

/// Adds a header to a response that deletes a cookie in the browser.
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

    /// Returns the lifetime in seconds. A cookie without a lifetime lasts until the browser closes.
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

/// The cookies of one request, except [`Kind::Way`]. A malformed cookie counts as missing.
pub(crate) struct Cookies {
    pub(crate) attempt: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) browser: Option<String>,
    pub(crate) form: Option<String>,
}

impl Cookies {
    pub(crate) fn read(jar: &CookieJar) -> Self {
        let cookie =
            |name: &str| jar.get(name).map(|cookie| cookie.value().to_owned()).filter(|value| is_random_id(value));
        Self { attempt: cookie(ATTEMPT), session: cookie(SESSION), browser: cookie(BROWSER), form: cookie(FORM) }
    }
}

fn is_random_id(value: &str) -> bool {
    decode(value).is_some_and(|bytes| bytes.len() == 16)
}

/// Returns whether the last sign-in in this browser used the phone. Any account counts.
pub(crate) fn prefers_phone(jar: &CookieJar) -> bool {
    jar.get(WAY).is_some_and(|cookie| cookie.value() == BY_PHONE)
}
