//! Starts a limited session after a password or a pass alone. In this session the person can only add a phone.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::cookies::{Kind, with_cookie, without_cookie};
use crate::effects::sign_in;
use crate::pages::{failed, words};
use crate::posted::Posted;
use crate::prompts::acts::NotStarted;
use crate::secrets::{hashed, random_id};
use crate::sign_in::attempt::Attempt;
use crate::sign_in::flow::Note;
use crate::sign_in::resume;
use crate::store::{StoreError, Tx};
use crate::visitor::Visitor;

/// `GET /more-information`.
pub async fn more_information(State(app): State<App>, visitor: Visitor) -> Response {
    match resume::of_page(&app, &visitor, "/more-information") {
        Ok(attempt) if attempt.account(visitor.now).is_some() => words::more_information().show(&app, &visitor),
        Ok(attempt) => attempt.flow.restart(&app, None),
        Err(instead) => *instead,
    }
}

/// `POST /more-information`.
pub async fn take_more_information(State(app): State<App>, posted: Posted) -> Response {
    match resume::of_form(&app, &posted.visitor) {
        Ok(attempt) => first_session(&app, &posted.visitor, attempt).await,
        Err(instead) => *instead,
    }
}

/// Starts a limited session after a password or a pass alone. In this session the person can only add a phone.
pub(super) async fn first_session(app: &App, visitor: &Visitor, attempt: Attempt) -> Response {
    let now = app.clock.now();
    if attempt.account(now).is_none() {
        return attempt.flow.restart(app, Some(Note::TookTooLong));
    }
    let Ok(cookie) = random_id() else {
        return failed(app, &StoreError::Stopped);
    };
    let id = hashed(cookie.as_bytes());
    let start = move |tx: &mut Tx<'_>| match sign_in::by_secret(tx, &attempt.id, now)? {
        Some(proof) => {
            let browser = sign_in::Browser { session_id: &id, cookies: None, older: None };
            sign_in::act(tx, proof, browser, now).map(Some)
        }
        None => Ok(None),
    };
    match app.store.global(start).await {
        Ok(Some(_session)) => {
            let response = without_cookie(Redirect::to("/security-info").into_response(), Kind::Attempt);
            with_cookie(response, Kind::Session, &cookie)
        }
        Ok(None) => words::not_started(NotStarted::NoPhone).show_as(StatusCode::CONFLICT, app, Some(visitor)),
        Err(error) => failed(app, &error),
    }
}
