//! The authorization response to an application or a phone's app, sent by redirect or by a page.

use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use crate::app::App;
use crate::config::is_return_address;
use crate::effects::issue_code;
use crate::openid::request::AuthorizationRequest;
use crate::pages::failed;
use crate::pages::words;
use crate::problem::Problem;
use crate::sign_in::session::Session;
use crate::store::Tx;
use crate::visitor::Visitor;

/// An authorization response: the return address with an authorization code or an error, `iss` (RFC 9207) and the
/// client's `state`.
pub struct Answer(Url);

impl Answer {
    /// Builds the authorization response. Returns `None` if a browser must not be sent to the return address.
    pub(crate) fn new(app: &App, to: &str, state: Option<&str>, (name, value): (&str, &str)) -> Option<Self> {
        let mut url = Url::parse(to).ok().filter(is_return_address)?;
        url.query_pairs_mut().append_pair(name, value).append_pair("iss", &app.config.issuer);
        if let Some(state) = state {
            url.query_pairs_mut().append_pair("state", state);
        }
        Some(Self(url))
    }

    /// Sends the authorization response by redirect. Used only for `GET /authorize`, because no form of the service
    /// leads to this address. After a form, [`Self::by_page`] is needed.
    pub(crate) fn by_redirect(answer: Option<Self>) -> Response {
        match answer {
            Some(Self(url)) => Redirect::to(url.as_str()).into_response(),
            None => Problem::Unavailable.into_response(),
        }
    }

    /// Sends the authorization response as a link on a page. After a form, a redirect could fail, because browsers
    /// check every redirect that follows a form against the `form-action` of the form's page, even a redirect by the
    /// application.
    pub(crate) fn by_page(answer: Option<Self>, app: &App, visitor: &Visitor, application: &str) -> Response {
        match answer {
            Some(Self(url)) => words::leaving(application, url.as_str()).show(app, visitor),
            None => Problem::Unavailable.into_response(),
        }
    }
}

/// Issues an authorization code for an application, from a session. Returns `None` if a browser must not be sent to the
/// return address.
///
/// # Errors
/// The session has ended, or the database failed. The error is the page to show.
pub(crate) async fn code(
    app: &App,
    session: Session,
    request: AuthorizationRequest,
) -> Result<Option<Answer>, Response> {
    let now = app.clock.now();
    let (redirect_uri, state) = (request.redirect_uri.clone(), request.state.clone());
    let account_id = session.account_id.clone();
    let issue = move |tx: &mut Tx<'_>| match issue_code::check(tx, &session.id, now)? {
        Some(proof) => issue_code::act(tx, proof, &request, now).map(Some),
        None => Ok(None),
    };
    match app.store.in_account(&account_id, issue).await {
        Ok(Some(code)) => Ok(Answer::new(app, &redirect_uri, state.as_deref(), ("code", &code))),
        Ok(None) => Err(Redirect::to("/sign-in").into_response()),
        Err(error) => Err(failed(app, &error)),
    }
}

/// Redirects a browser from `GET /authorize` to its application, with an authorization code.
pub(crate) async fn redirect_with_code(app: &App, session: Session, request: AuthorizationRequest) -> Response {
    code(app, session, request).await.map_or_else(|failed| failed, Answer::by_redirect)
}

/// Shows the page with the link to the application. The link contains an authorization code.
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
