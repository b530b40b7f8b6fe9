//! Identifies the browser of a request, and accepts forms only from the service's own pages. The headers must show that
//! the form comes from the service's own web origin, and the form must contain a token that was made for this browser.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum_extra::extract::CookieJar;

use crate::agent::Agent;
use crate::app::App;
use crate::cookies::{Cookies, prefers_phone};
use crate::limits;
use crate::pages::{failed, words};
use crate::peer::Peer;
use crate::secrets::hashed;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::flow::Flow;
use crate::sign_in::session::Session;
use crate::visitor::Visitor;

impl FromRequestParts<App> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Ok(peer) = Peer::from_request_parts(parts, app).await;
        let jar = CookieJar::from_headers(&parts.headers);
        let cookies = Cookies::read(&jar);
        let (attempt, session) = (cookies.attempt.clone(), cookies.session.clone());
        let prefers_phone = prefers_phone(&jar);
        let now = app.clock.now();
        let flow = match flow_of(parts) {
            Some(text) => Some(Flow::open(&app.sealer, &app.config.clients, &text).ok_or_else(|| bad_address(app))?),
            None => None,
        };
        let found = app
            .store
            .global(move |tx| {
                let attempt = match &attempt {
                    Some(cookie) => tx.get::<Attempt>(&hashed(cookie.as_bytes()))?,
                    None => None,
                };
                let session = match &session {
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

/// Returns the URL's parameter `flow`.
fn flow_of(parts: &Parts) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "flow").map(|(_, flow)| flow.into_owned())
}

fn bad_address(app: &App) -> Response {
    words::bad_request("The address of this page is incomplete.").show_as(StatusCode::BAD_REQUEST, app, None)
}

/// A form that one of the service's own pages sent.
pub struct Posted {
    /// The browser that sent the form.
    pub visitor: Visitor,
    /// The form's id. Two requests with the same id are one form that was sent twice.
    pub id: String,
    fields: HashMap<String, String>,
}

impl Posted {
    /// Returns a field's value, or an empty text if the form does not contain the field.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl FromRequest<App> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        // GUARD(form-origin): j6_w12_another_site_cannot_start_a_sign_in
        if !is_same_origin(&parts.headers, &app.config.issuer) {
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
        // GUARD(form-token): j6_w12_another_site_cannot_start_a_sign_in, forms_need_the_csrf_token_and_the_services_web_origin
        if !visitor.made(app, fields.get("csrf").map_or("", String::as_str)) {
            let page = words::stale_form(visitor.flow.is_some());
            return Err(page.show_as(StatusCode::FORBIDDEN, app, Some(&visitor)));
        }
        let id = form_id(&visitor.cookies, &path, &body);
        Ok(Self { visitor, id, fields })
    }
}

/// Returns a form's id: a hash of the URL's path and query, of the browser's cookies, and of the form's body, which
/// contains the page's token.
fn form_id(cookies: &Cookies, path: &str, body: &[u8]) -> String {
    let text = |cookie: &Option<String>| cookie.clone().unwrap_or_default();
    let (attempt, session, form) = (text(&cookies.attempt), text(&cookies.session), text(&cookies.form));
    let head = format!("{path}\n{attempt}\n{session}\n{form}\n");
    hashed(&[head.as_bytes(), body].concat())
}

/// Returns whether a form comes from the service's own web origin, by the headers `Origin` and `Sec-Fetch-Site`.
/// Returns false if the request has neither header.
fn is_same_origin(headers: &HeaderMap, issuer: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("origin"), text("sec-fetch-site")) {
        // GUARD(form-origin-exact): j6_w12_forms_of_another_site_have_no_effect_at_any_address
        // INSTEAD: (Some(_), _) => true,
        (Some(origin), site) => origin == issuer && site.is_none_or(|site| site == "same-origin"),
        (None, site) => site == Some("same-origin"),
    }
}
