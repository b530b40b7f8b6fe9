//! The sign-in pages around who somebody is: user name, first session, the end. `password` and `phone` go on from
//! the user name.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::openid::records::AuthorizationRequest;
use crate::pages::words;
use crate::people::Person;
use crate::prompts::acts::NotStarted;
use crate::secrets::{hashed, random_id};
use crate::session::{Kind, Posted, Visitor, failed, with_cookie, without_cookie};
use crate::sign_in::number;
use crate::sign_in::phone;
use crate::sign_in::records::{Attempt, Proven, Secret, Session, Used, end_session};
use crate::store::StoreError;

/// `GET /`.
pub async fn home(State(app): State<App>, visitor: Visitor) -> Response {
    match visitor.session {
        Some(_) => Redirect::to("/security-info").into_response(),
        None => words::home().show(&app, &visitor),
    }
}

/// `GET /sign-in`.
pub async fn user_name(State(app): State<App>, visitor: Visitor) -> Response {
    if let Some(attempt) = &visitor.attempt {
        return words::user_name(attempt.for_what(), None).show(&app, &visitor);
    }
    let Ok(cookie) = random_id() else {
        return failed(&app, &StoreError::Stopped);
    };
    let attempt = Attempt::new(hashed(cookie.as_bytes()), visitor.now);
    if let Err(error) = app.store.run(move |tx| tx.put(&attempt)).await {
        return failed(&app, &error);
    }
    let page = words::user_name(None, None).show(&app, &visitor.rebound(&cookie));
    with_cookie(page, Kind::Attempt, &cookie)
}

/// `POST /sign-in`: from now on it is this person's attempt, under a fresh cookie: one that somebody has planted in
/// this browser is worth nothing to him.
pub async fn take_user_name(State(app): State<App>, posted: Posted) -> Response {
    let Some(older) = posted.visitor.attempt.clone() else {
        return Redirect::to("/sign-in").into_response();
    };
    let name = posted.field("user_name").trim().to_owned();
    if name.is_empty() || name.len() > 256 {
        return words::user_name(older.for_what(), Some("Type your user name.")).show(&app, &posted.visitor);
    }
    let Ok(cookie) = random_id() else {
        return failed(&app, &StoreError::Stopped);
    };
    let (older_id, id) = (older.id.clone(), hashed(cookie.as_bytes()));
    let attempt = Attempt { id, user_name: Some(name), proven: None, must_change: None, unproven: None, ..older };
    // The way this browser used last, whoever's name was typed: what a page shows tells nothing of a name.
    let by_phone = posted.visitor.prefers_phone && attempt.registration.is_none();
    let stored = attempt.clone();
    let kept = app
        .store
        .run(move |tx| {
            tx.delete::<Attempt>(&older_id)?;
            tx.put(&stored)
        })
        .await;
    let response = match kept {
        Ok(()) if by_phone => phone::ask(&app, posted.visitor.rebound(&cookie), attempt).await,
        Ok(()) => Redirect::to("/sign-in/password").into_response(),
        Err(error) => return failed(&app, &error),
    };
    with_cookie(response, Kind::Attempt, &cookie)
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
    let attempt = Attempt { request: Some(request), ..Attempt::new(hashed(cookie.as_bytes()), visitor.now) };
    let (id, at) = (session.id.clone(), session.authenticated_at);
    let stored = app.store.run(move |tx| {
        // A session by a password ends when that is changed: while it is there, the password is the one it was made by.
        let session = tx.get::<Session>(&id)?;
        let person = match &session {
            Some(session) => tx.get::<Person>(&session.account_id)?,
            None => None,
        };
        let by = session.and_then(|session| session.used.secret());
        let proven = by.zip(person).map(|(by, person)| Proven {
            account_id: person.account_id,
            at,
            by,
            password_since: person.password_changed_at,
        });
        let attempt = Attempt { proven, ..attempt };
        tx.put(&attempt)?;
        Ok(attempt)
    });
    let attempt = match stored.await {
        Ok(attempt) => attempt,
        Err(error) => return failed(app, &error),
    };
    with_cookie(number::ask(app, visitor.rebound(&cookie), attempt).await, Kind::Attempt, &cookie)
}

/// `GET /more-information`.
pub async fn more_information(State(app): State<App>, visitor: Visitor) -> Response {
    match &visitor.attempt {
        Some(attempt) if attempt.account(visitor.now).is_some() => words::more_information().show(&app, &visitor),
        _ => Redirect::to("/sign-in").into_response(),
    }
}

/// `POST /more-information`.
pub async fn take_more_information(State(app): State<App>, posted: Posted) -> Response {
    match posted.visitor.attempt {
        Some(attempt) => first_session(&app, attempt).await,
        None => Redirect::to("/sign-in").into_response(),
    }
}

/// A session by password or pass alone: good for adding a method and nothing else.
pub(super) async fn first_session(app: &App, attempt: Attempt) -> Response {
    let now = app.clock.now();
    let proven = attempt.proven.clone().filter(|proven| proven.is_fresh(now));
    let (Some(proven), Ok(cookie)) = (proven, random_id()) else {
        return Redirect::to("/sign-in").into_response();
    };
    let id = hashed(cookie.as_bytes());
    let made = app
        .store
        .run(move |tx| {
            if !tx.get::<Person>(&proven.account_id)?.is_some_and(|person| proven.still_counts(&person)) {
                return Ok(false);
            }
            let used = match proven.by {
                Secret::Password if !crate::devices::records::active(tx, &proven.account_id)?.is_empty() => {
                    return Ok(false);
                }
                Secret::Password => Used::Password,
                Secret::Pass => Used::Pass,
            };
            tx.delete::<Attempt>(&attempt.id)?;
            tx.put(&Session { request: attempt.request, ..Session::new(id, proven.account_id, used, now) })?;
            Ok(true)
        })
        .await;
    match made {
        Ok(true) => {
            let response = without_cookie(Redirect::to("/security-info").into_response(), Kind::Attempt);
            with_cookie(response, Kind::Session, &cookie)
        }
        Ok(false) => words::not_started(NotStarted::NoPhone).show_as(axum::http::StatusCode::CONFLICT, app, ""),
        Err(error) => failed(app, &error),
    }
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
