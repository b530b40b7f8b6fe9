//! The answer to an authorization request, and the two ways for a browser to bring it back.

use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use crate::app::App;
use crate::config::is_return_address;
use crate::openid::acts;
use crate::openid::request::AuthorizationRequest;
use crate::pages::failed;
use crate::pages::words;
use crate::problem::Problem;
use crate::sign_in::session::Session;
use crate::visitor::Visitor;

/// An authorization answer: the return address with a code or an error, `iss` (RFC 9207) and the client's `state`.
pub struct Answer(Url);

impl Answer {
    /// None for a return address that no browser must be sent to.
    pub(crate) fn new(app: &App, to: &str, state: Option<&str>, (name, value): (&str, &str)) -> Option<Self> {
        let mut url = Url::parse(to).ok().filter(is_return_address)?;
        url.query_pairs_mut().append_pair(name, value).append_pair("iss", &app.config.issuer);
        if let Some(state) = state {
            url.query_pairs_mut().append_pair("state", state);
        }
        Some(Self(url))
    }

    /// By redirect, for `GET /authorize` alone: no form of ours leads there.
    pub(crate) fn by_redirect(answer: Option<Self>) -> Response {
        match answer {
            Some(Self(url)) => Redirect::to(url.as_str()).into_response(),
            None => Problem::Unavailable.into_response(),
        }
    }

    /// By a page, after a form: browsers hold each redirect after a form, the application's own ones too, against the
    /// form's `form-action`.
    pub(crate) fn by_page(answer: Option<Self>, app: &App, visitor: &Visitor, application: &str) -> Response {
        match answer {
            Some(Self(url)) => words::leaving(application, url.as_str()).show(app, visitor),
            None => Problem::Unavailable.into_response(),
        }
    }
}

/// The code for an application, made from a session.
///
/// # Errors
/// The page for a database that failed.
pub(crate) async fn code(
    app: &App,
    session: Session,
    request: AuthorizationRequest,
) -> Result<Option<Answer>, Response> {
    let now = app.clock.now();
    let (redirect_uri, state) = (request.redirect_uri.clone(), request.state.clone());
    match app.store.run(move |tx| acts::issue(tx, &session, request, now)).await {
        Ok(code) => Ok(Answer::new(app, &redirect_uri, state.as_deref(), ("code", &code))),
        Err(error) => Err(failed(app, &error)),
    }
}

/// Sends a browser that came to `GET /authorize` back to its application with a code.
pub(crate) async fn redirect_with_code(app: &App, session: Session, request: AuthorizationRequest) -> Response {
    code(app, session, request).await.map_or_else(|failed| failed, Answer::by_redirect)
}

/// Lets a person leave a page of ours for their application with a code.
pub(crate) async fn leave_with_code(
    app: &App,
    visitor: &Visitor,
    session: Session,
    request: AuthorizationRequest,
) -> Response {
    let application = request.application.clone();
    match code(app, session, request).await {
        Ok(answer) => Answer::by_page(answer, app, visitor, &application),
        Err(failed) => failed,
    }
}
