//! The sign-in pages up to who somebody is: user name and password. `number` and `phone` go on from there.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::openid::records::AuthorizationRequest;
use crate::pages::words;
use crate::people::{self, Person};
use crate::prompts::acts::NotStarted;
use crate::secrets::{hashed, random_id};
use crate::session::{Kind, Posted, Visitor, failed, with_cookie, without_cookie};
use crate::sign_in::number;
use crate::sign_in::phone;
use crate::sign_in::records::{Attempt, Session, Used, end_session};
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

/// `POST /sign-in`.
pub async fn take_user_name(State(app): State<App>, posted: Posted) -> Response {
    let Some(mut attempt) = posted.visitor.attempt.clone() else {
        return Redirect::to("/sign-in").into_response();
    };
    let name = posted.field("user_name").trim().to_owned();
    if name.is_empty() || name.len() > 256 {
        return words::user_name(attempt.for_what(), Some("Type your user name.")).show(&app, &posted.visitor);
    }
    attempt.user_name = Some(name);
    attempt.proven = None;
    attempt.unproven = None;
    // The way this browser used last, whoever's name was typed: what a page shows tells nothing of a name.
    let by_phone = posted.visitor.prefers_phone && attempt.registration.is_none();
    let stored = attempt.clone();
    match app.store.run(move |tx| tx.put(&stored)).await {
        Ok(()) if by_phone => phone::ask(&app, posted.visitor, attempt).await,
        Ok(()) => Redirect::to("/sign-in/password").into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// `GET /sign-in/password`.
pub async fn password(State(app): State<App>, visitor: Visitor) -> Response {
    match visitor.attempt.as_ref().and_then(|attempt| attempt.user_name.as_deref()) {
        Some(name) => words::password(name, offers_phone(&visitor), None).show(&app, &visitor),
        None => Redirect::to("/sign-in").into_response(),
    }
}

/// Registering a device asks for the password, always: a phone must not let another key in by itself.
fn offers_phone(visitor: &Visitor) -> bool {
    visitor.attempt.as_ref().is_some_and(|attempt| attempt.registration.is_none())
}

/// `POST /sign-in/password`.
pub async fn take_password(State(app): State<App>, posted: Posted) -> Response {
    let Some(attempt) = posted.visitor.attempt.clone() else {
        return Redirect::to("/sign-in").into_response();
    };
    let Some(name) = attempt.user_name.clone() else {
        return Redirect::to("/sign-in").into_response();
    };
    match check_password(&app, &name, posted.field("password").to_owned()).await {
        Ok(Some(person)) => proven(&app, posted.visitor, attempt, person).await,
        Ok(None) => {
            let offers_phone = offers_phone(&posted.visitor);
            words::password(&name, offers_phone, Some(words::WRONG_PASSWORD)).show(&app, &posted.visitor)
        }
        Err(error) => failed(&app, &error),
    }
}

/// Costs the same and says the same whether the name exists or not.
async fn check_password(app: &App, name: &str, password: String) -> Result<Option<Person>, StoreError> {
    let wanted = name.to_owned();
    let person = app.store.run(move |tx| people::find(tx, &wanted)).await?;
    let hash = people::password_hash(person.as_ref(), &app.decoy);
    let right = tokio::task::spawn_blocking(move || people::verify_password(&password, &hash))
        .await
        .map_err(|_stopped| StoreError::Stopped)?;
    let now = app.clock.now();
    let account = person.as_ref().map(|person| person.account_id.clone());
    let lets_in = app
        .store
        .run(move |tx| match account {
            Some(account) => people::record_password(tx, &account, right, now),
            None => Ok(false),
        })
        .await?;
    Ok(person.filter(|_person| lets_in))
}

/// The password was right: the attempt goes on under a fresh cookie.
async fn proven(app: &App, visitor: Visitor, older: Attempt, person: Person) -> Response {
    let Ok(cookie) = random_id() else {
        return failed(app, &StoreError::Stopped);
    };
    let older_id = older.id.clone();
    let attempt = Attempt {
        id: hashed(cookie.as_bytes()),
        proven: Some((person.account_id.clone(), visitor.now)),
        unproven: None,
        ..older
    };
    if let Some(registration) = &attempt.registration
        && registration.account_id != person.account_id
    {
        return words::other_persons_phone().show(app, &visitor);
    }
    let stored = attempt.clone();
    let has_phone = app
        .store
        .run(move |tx| {
            tx.delete::<Attempt>(&older_id)?;
            tx.put(&stored)?;
            Ok(!crate::devices::records::active(tx, &person.account_id)?.is_empty())
        })
        .await;
    let response = match has_phone {
        Ok(true) => number::ask(app, visitor.rebound(&cookie), attempt).await,
        Ok(false) if attempt.request.is_some() => Redirect::to("/more-information").into_response(),
        Ok(false) => return first_session(app, attempt).await,
        Err(error) => return failed(app, &error),
    };
    with_cookie(response, Kind::Attempt, &cookie)
}

/// The session was made by password alone and an application waits: the phone is asked now, in an attempt
/// of its own, while the password is still fresh; after that everything is asked again.
pub(crate) async fn ask_before(
    app: &App,
    visitor: Visitor,
    session: &Session,
    request: AuthorizationRequest,
) -> Response {
    let Ok(cookie) = random_id() else {
        return failed(app, &StoreError::Stopped);
    };
    let attempt = Attempt {
        proven: Some((session.account_id.clone(), session.authenticated_at)),
        request: Some(request),
        ..Attempt::new(hashed(cookie.as_bytes()), visitor.now)
    };
    let stored = attempt.clone();
    if let Err(error) = app.store.run(move |tx| tx.put(&stored)).await {
        return failed(app, &error);
    }
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

/// A session by password alone: good for adding the first method and nothing else.
async fn first_session(app: &App, attempt: Attempt) -> Response {
    let now = app.clock.now();
    let (Some(account_id), Ok(cookie)) = (attempt.account(now).map(str::to_owned), random_id()) else {
        return Redirect::to("/sign-in").into_response();
    };
    let id = hashed(cookie.as_bytes());
    let made = app
        .store
        .run(move |tx| {
            if !crate::devices::records::active(tx, &account_id)?.is_empty() {
                return Ok(false);
            }
            tx.delete::<Attempt>(&attempt.id)?;
            tx.put(&Session { request: attempt.request, ..Session::new(id, account_id, Used::Password, now) })?;
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
