//! Serves the start page, the user-name page and the sign-out. The modules `password` and `phone` contain the pages
//! that follow the user name.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::clock::Time;
use crate::cookies::{Kind, with_cookie, without_cookie};
use crate::endings::{Ending, end};
use crate::openid::answer::leave_with_code;
use crate::openid::request::AuthorizationRequest;
use crate::pages::failed;
use crate::pages::words;
use crate::phone_sign_in::registration::Registration;
use crate::posted::Posted;
use crate::secrets::{hashed, random_id};
use crate::sign_in::acts::{continue_as, proven_by_session, take_over};
use crate::sign_in::attempt::Attempt;
use crate::sign_in::flow::{Flow, Goal};
use crate::sign_in::phone;
use crate::sign_in::resume::{self, Instead};
use crate::sign_in::second_factor;
use crate::sign_in::session::Session;
use crate::store::{Gone, StoreError, Tx};
use crate::verdict::Verdict;
use crate::visitor::Visitor;

/// `GET /`.
pub async fn home(State(app): State<App>, visitor: Visitor) -> Response {
    match visitor.session {
        Some(_) => Redirect::to("/security-info").into_response(),
        None => words::home().show(&app, &visitor),
    }
}

/// `GET /sign-in`.
pub async fn user_name(State(app): State<App>, mut visitor: Visitor) -> Response {
    let flow = match visitor.flow.take().map_or_else(|| Flow::new(Goal::SecurityInfo), Ok) {
        Ok(flow) => flow,
        Err(_no_randomness) => return failed(&app, &StoreError::Stopped),
    };
    let session = visitor.session.clone().filter(|session| session.approved.is_some());
    match (&flow.goal, session) {
        // Another tab has finished a sign-in after this flow started.
        // GUARD(tab-sign-in-now): session_of_another_tab_is_used_unless_login_is_required
        // INSTEAD: (Goal::Application { request, .. }, Some(session)) => {
        (Goal::Application { request, sign_in_now: false }, Some(session)) => {
            return leave_with_code(&app, &visitor, session, request.clone()).await;
        }
        (Goal::Phone, _) if visitor.attempt.as_ref().is_none_or(|attempt| attempt.flow.id != flow.id) => {
            return words::stale_registration().show(&app, &visitor);
        }
        _ => {}
    }
    let page = words::user_name(for_what(&visitor, &flow), flow.note, None);
    page.show(&app, &visitor.in_flow(flow))
}

/// Returns what the person signs in to (see `Attempt::for_what`).
fn for_what<'a>(visitor: &'a Visitor, flow: &'a Flow) -> Option<&'a str> {
    let attempt = visitor.attempt.as_ref().filter(|attempt| attempt.flow.id == flow.id);
    attempt.map_or_else(|| flow.application(), Attempt::for_what)
}

/// `POST /sign-in`: starts a new attempt for this user name and flow, under a new cookie. A cookie that an attacker has
/// planted in this browser becomes useless.
pub async fn take_user_name(State(app): State<App>, posted: Posted) -> Response {
    let visitor = &posted.visitor;
    let Some(flow) = visitor.flow.clone() else {
        return words::foreign_form().show_as(StatusCode::FORBIDDEN, &app, Some(visitor));
    };
    let registration = match registration_of(&app, visitor, &flow) {
        Ok(registration) => registration,
        Err(instead) => return *instead,
    };
    let name = posted.field("user_name").trim().to_owned();
    if name.is_empty() || name.len() > 256 {
        return words::user_name(for_what(visitor, &flow), None, Some("Type your user name.")).show(&app, visitor);
    }
    let Ok(cookie) = random_id() else {
        return failed(&app, &StoreError::Stopped);
    };
    let older = visitor.attempt.clone();
    let fresh = Attempt { flow: Flow { note: None, ..flow }, ..Attempt::new(hashed(cookie.as_bytes()), visitor.now) };
    let fresh = Attempt { user_name: Some(name), ..fresh };
    let fresh = match registration {
        // The new attempt of a registration keeps the expiry of the old attempt.
        Some((registration, expires_at)) => Attempt { registration: Some(registration), expires_at, ..fresh },
        None => fresh,
    };
    // For every user name, the next page is for the method that was last used in this browser: password or phone
    // sign-in. The next page therefore reveals nothing about the user name.
    let by_phone = visitor.prefers_phone && fresh.registration.is_none();
    let started = match older {
        // A registration works once, so it must not be copied from an attempt that has ended.
        Some(older) if fresh.registration.is_some() => continue_as(&app, older, fresh).await,
        older => take_over(&app, older, fresh).await.map(Verdict::Granted),
    };
    let attempt = match started {
        Ok(Verdict::Granted(attempt)) => attempt,
        Ok(Verdict::Refused(Gone)) => return resume::gone(&app, visitor),
        Err(error) => return failed(&app, &error),
    };
    let response = if by_phone {
        phone::ask(&app, posted.visitor, attempt).await
    } else {
        attempt.flow.to(&app, "/sign-in/password")
    };
    with_cookie(response, Kind::Attempt, &cookie)
}

/// Returns the registration of the phone that sent the person here, with the time at which its attempt expires. Returns
/// `None` if no phone sent the person here.
fn registration_of(app: &App, visitor: &Visitor, flow: &Flow) -> Result<Option<(Registration, Time)>, Instead> {
    if flow.goal != Goal::Phone {
        return Ok(None);
    }
    let attempt = visitor.attempt.as_ref().filter(|attempt| attempt.flow.id == flow.id);
    match attempt.and_then(|attempt| Some((attempt.registration.clone()?, attempt.expires_at))) {
        Some(found) => Ok(Some(found)),
        None => Err(words::stale_registration().show(app, visitor).into()),
    }
}

/// Asks the account's phones for an approval before a session by password or pass alone opens an application. If the
/// proof is older than ten minutes, the person has to sign in again.
pub(crate) async fn ask_before(
    app: &App,
    visitor: Visitor,
    session: &Session,
    request: AuthorizationRequest,
) -> Response {
    let Ok(cookie) = random_id() else {
        return failed(app, &StoreError::Stopped);
    };
    let Ok(flow) = Flow::new(Goal::Application { request, sign_in_now: false }) else {
        return failed(app, &StoreError::Stopped);
    };
    let id = session.id.clone();
    let proven = match app.store.global(move |tx| proven_by_session(tx, &id)).await {
        Ok(proven) => proven,
        Err(error) => return failed(app, &error),
    };
    let fresh = Attempt { flow: flow.clone(), proven, ..Attempt::new(hashed(cookie.as_bytes()), visitor.now) };
    let attempt = match take_over(app, visitor.attempt.clone(), fresh).await {
        Ok(attempt) => attempt,
        Err(error) => return failed(app, &error),
    };
    with_cookie(second_factor::ask(app, visitor.in_flow(flow), attempt).await, Kind::Attempt, &cookie)
}

/// `POST /sign-out`.
pub async fn sign_out(State(app): State<App>, posted: Posted) -> Response {
    let now = posted.visitor.now;
    if let Some(session) = &posted.visitor.session {
        let (id, account_id) = (session.id.clone(), session.account_id.clone());
        let ended = move |tx: &mut Tx<'_>| end(tx, &account_id, &Ending::SignedOut(id.clone()), now);
        if let Err(error) = app.store.in_account(&session.account_id, ended).await {
            return failed(&app, &error);
        }
    }
    let page = words::signed_out().show(&app, &posted.visitor);
    without_cookie(page, Kind::Session)
}
