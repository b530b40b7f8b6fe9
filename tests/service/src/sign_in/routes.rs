//! The sign-in pages around who somebody is: user name, first session, the end. `password` and `phone` go on from
//! the user name.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::clock::Time;
use crate::cookies::{Kind, with_cookie, without_cookie};
use crate::endings::end_session;
use crate::openid::answer::leave_with_code;
use crate::openid::request::AuthorizationRequest;
use crate::pages::failed;
use crate::pages::words;
use crate::phone_sign_in::registration::Registration;
use crate::posted::Posted;
use crate::secrets::{hashed, random_id};
use crate::sign_in::acts::{proven_by_session, take_over};
use crate::sign_in::attempt::Attempt;
use crate::sign_in::flow::{Flow, Goal};
use crate::sign_in::phone;
use crate::sign_in::resume::Instead;
use crate::sign_in::second_factor;
use crate::sign_in::session::Session;
use crate::store::StoreError;
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
    let session = visitor.session.clone().filter(|session| session.approved_at.is_some());
    match (&flow.goal, session) {
        // Signed in meanwhile, in another tab.
        // GUARD(tab-sign-in-now): a_session_made_in_another_tab_leads_to_the_application_unless_it_asks_for_a_sign_in
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

/// What the person is signing in to, as far as it has a name.
fn for_what<'a>(visitor: &'a Visitor, flow: &'a Flow) -> Option<&'a str> {
    let attempt = visitor.attempt.as_ref().filter(|attempt| attempt.flow.id == flow.id);
    attempt.map_or_else(|| flow.application(), Attempt::for_what)
}

/// `POST /sign-in`: from now on the browser's attempt is this person's and this flow's, under a fresh cookie: one that
/// somebody has planted in this browser is worth nothing to him.
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
        // What a phone asked for ends when it would have ended.
        Some((registration, expires_at)) => Attempt { registration: Some(registration), expires_at, ..fresh },
        None => fresh,
    };
    // The way this browser used last, whoever's name was typed: what a page shows tells nothing of a name.
    let by_phone = visitor.prefers_phone && fresh.registration.is_none();
    let attempt = match take_over(&app, older, fresh).await {
        Ok(attempt) => attempt,
        Err(error) => return failed(&app, &error),
    };
    let response = if by_phone {
        phone::ask(&app, posted.visitor, attempt).await
    } else {
        attempt.flow.to(&app, "/sign-in/password")
    };
    with_cookie(response, Kind::Attempt, &cookie)
}

/// What the phone asked for that sent the person here, and until when: it counts once, and ends with its attempt.
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

/// The session was made by password or pass alone and an application waits: the phone is asked now, in an attempt
/// of its own, while that is still fresh; after that everything is asked again.
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
    let proven = match app.store.run(move |tx| proven_by_session(tx, &id)).await {
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
        let id = session.id.clone();
        if let Err(error) = app.store.run(move |tx| end_session(tx, &id, now)).await {
            return failed(&app, &error);
        }
    }
    let page = words::signed_out().show(&app, &posted.visitor);
    without_cookie(page, Kind::Session)
}
