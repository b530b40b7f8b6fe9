//! The browser that sent a request, and the token that binds a page's forms to this browser.
//!
//! A token is bound to the form cookie and to the session cookie of the browser that loaded the page. It is not bound
//! to the attempt's cookie. That cookie changes while the person signs in, and a form that is open in a second tab must
//! work after the change.

use ring::hmac;

use crate::agent::Agent;
use crate::app::App;
use crate::clock::Time;
use crate::cookies::Cookies;
use crate::peer::Peer;
use crate::secrets::{decode, encode, random, random_id};
use crate::sign_in::attempt::Attempt;
use crate::sign_in::flow::Flow;
use crate::sign_in::session::Session;

/// Length of a token's random part, in bytes.
const NONCE: usize = 16;

/// A browser, with its records and cookies.
pub struct Visitor {
    /// The browser's unexpired attempt.
    pub attempt: Option<Attempt>,
    /// The browser's unexpired session.
    pub session: Option<Session>,
    /// The value of the cookie that identifies a known browser. Accounts that know this browser have stored a hash of
    /// this value.
    pub browser: Option<String>,
    /// Whether the last sign-in in this browser used the phone. Any account counts.
    pub prefers_phone: bool,
    /// The browser's name and operating system, from `User-Agent`.
    pub agent: Agent,
    /// The browser's network address.
    pub peer: Peer,
    /// The service's time at the request.
    pub now: Time,
    /// The flow in the URL: why the person signs in.
    pub flow: Option<Flow>,
    pub(crate) cookies: Cookies,
}

impl Visitor {
    /// Returns the visitor with this flow.
    #[must_use]
    pub fn in_flow(self, flow: Flow) -> Self {
        Self { flow: Some(flow), ..self }
    }

    /// Returns whether the browser sent a session cookie that belongs to no current session.
    #[must_use]
    pub fn has_lost_session(&self) -> bool {
        self.session.is_none() && self.cookies.session.is_some()
    }

    /// Returns two values: the token for the forms of one page; and, if the browser has no form cookie, the value of a
    /// new form cookie. The page's response must set this cookie.
    #[must_use]
    pub fn form_token(&self, app: &App) -> (String, Option<String>) {
        let (Ok(fresh), Ok(nonce)) = (random_id(), random::<NONCE>()) else {
            // Without randomness, there is no token, so the service accepts no form of this page.
            return (String::new(), None);
        };
        let cookie = self.cookies.form.as_deref().unwrap_or(&fresh);
        let mac = hmac::sign(&app.csrf, &bound_to(&nonce, cookie, self.cookies.session.as_deref()));
        let token = encode(&[nonce.as_slice(), mac.as_ref()].concat());
        (token, self.cookies.form.is_none().then_some(fresh))
    }

    /// Returns whether a form's token was made for this browser and this session.
    pub(crate) fn made(&self, app: &App, token: &str) -> bool {
        let (Some(cookie), Some(token)) = (&self.cookies.form, decode(token)) else {
            return false;
        };
        let Some((nonce, mac)) = token.split_first_chunk::<NONCE>() else {
            return false;
        };
        hmac::verify(&app.csrf, &bound_to(nonce, cookie, self.cookies.session.as_deref()), mac).is_ok()
    }
}

/// Returns the data that a token authenticates. The nonce makes the tokens of two pages differ, so two identical
/// requests are one form that was sent twice.
fn bound_to(nonce: &[u8], form: &str, session: Option<&str>) -> Vec<u8> {
    [nonce, format!("{form} {}", session.unwrap_or("-")).as_bytes()].concat()
}
