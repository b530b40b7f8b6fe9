//! Who a browser is, and the token that binds the forms of a page to it.
//!
//! A token is bound to the form cookie and to the session of the page that the form stands on. The attempt's cookie
//! changes with each step of signing in, the form cookie does not: so a second tab can send its form.

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
    pub(crate) cookies: Cookies,
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

/// What a form's token says. The nonce makes each page's token another one, so that two requests with the same token
/// are one form, sent twice.
fn bound_to(nonce: &[u8], form: &str, session: Option<&str>) -> Vec<u8> {
    [nonce, format!("{form} {}", session.unwrap_or("-")).as_bytes()].concat()
}
