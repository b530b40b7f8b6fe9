//! The sign-in pages: user name, password, number.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::events;
use crate::openid::records::AuthorizationRequest;
use crate::openid::routes::go_back;
use crate::pages::words;
use crate::people::{self, Person};
use crate::prompts::acts::{self, NotStarted, Wanted};
use crate::prompts::records::{Ceremony, Context, Kind as PromptKind, Origin, Outcome, Owner};
use crate::prompts::rules::is_forgotten;
use crate::secrets::{hashed, random_id};
use crate::session::{Kind, Posted, Visitor, failed, with_cookie, without_cookie};
use crate::sign_in::records::{Attempt, KnownBrowser, Session, end_session};
use crate::store::{StoreError, Tx};

/// Longest text that a prompt carries, in characters (protocol section 7).
const MAX_SHOWN: usize = 128;

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
        let application = attempt.request.as_ref().map(|request| request.application.as_str());
        return words::user_name(application, None).show(&app, &visitor);
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
        return words::user_name(None, Some("Type your user name.")).show(&app, &posted.visitor);
    }
    attempt.user_name = Some(name);
    attempt.proven = None;
    match app.store.run(move |tx| tx.put(&attempt)).await {
        Ok(()) => Redirect::to("/sign-in/password").into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// `GET /sign-in/password`.
pub async fn password(State(app): State<App>, visitor: Visitor) -> Response {
    match visitor.attempt.as_ref().and_then(|attempt| attempt.user_name.as_deref()) {
        Some(name) => words::password(name, None).show(&app, &visitor),
        None => Redirect::to("/sign-in").into_response(),
    }
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
        Ok(None) => words::password(&name, Some(words::WRONG_PASSWORD)).show(&app, &posted.visitor),
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
    let attempt =
        Attempt { id: hashed(cookie.as_bytes()), proven: Some((person.account_id.clone(), visitor.now)), ..older };
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
        Ok(true) => ask_phone(app, visitor.rebound(&cookie), attempt).await,
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
    with_cookie(ask_phone(app, visitor.rebound(&cookie), attempt).await, Kind::Attempt, &cookie)
}

/// Starts the second factor and shows its number.
async fn ask_phone(app: &App, visitor: Visitor, attempt: Attempt) -> Response {
    let Some(account_id) = attempt.account(visitor.now).map(str::to_owned) else {
        return Redirect::to("/sign-in").into_response();
    };
    let application = attempt.request.as_ref().map_or("Security info", |request| &request.application);
    let known = match known_browser(app, &visitor, &account_id).await {
        Ok(known) => known,
        Err(error) => return failed(app, &error),
    };
    let wanted = Wanted {
        account_id,
        owner: Owner::Attempt(attempt.id.clone()),
        origin: if known.is_some() { Origin::KnownBrowser } else { Origin::PasswordProved },
        known_browser: known,
        kind: PromptKind::SecondFactor,
        context: context(&visitor, application),
        network: visitor.peer.network(),
        only: None,
    };
    match acts::start(app, wanted).await {
        Ok(Ok(ceremony)) => {
            let attempt = Attempt { ceremony: Some(ceremony.id), ..attempt };
            match app.store.run(move |tx| tx.put(&attempt)).await {
                Ok(()) => Redirect::to("/sign-in/number").into_response(),
                Err(error) => failed(app, &error),
            }
        }
        Ok(Err(why)) => words::not_started(why).show(app, &visitor),
        Err(error) => failed(app, &error),
    }
}

/// What the phone shows of this browser.
#[must_use]
pub fn context(visitor: &Visitor, application: &str) -> Context {
    Context {
        // The phone refuses longer texts, and a longer prompt would not fit a push.
        application: application.chars().take(MAX_SHOWN).collect(),
        browser: visitor.agent.browser.clone(),
        os: visitor.agent.os.clone(),
        address: visitor.peer.0.to_string(),
    }
}

/// The known browser this is, unless it has lost its standing.
async fn known_browser(app: &App, visitor: &Visitor, account_id: &str) -> Result<Option<String>, StoreError> {
    let Some(cookie) = &visitor.browser else {
        return Ok(None);
    };
    let (id, account_id, now) = (KnownBrowser::id_of(cookie, account_id), account_id.to_owned(), visitor.now);
    app.store
        .run(move |tx| {
            let Some(known) = tx.get::<KnownBrowser>(&id)?.filter(|known| known.expires_at > now) else {
                return Ok(None);
            };
            let history: Vec<Ceremony> = tx.children(&account_id)?;
            if is_forgotten(&history, &known.id, now) {
                tx.delete::<KnownBrowser>(&known.id)?;
                return Ok(None);
            }
            Ok(Some(known.id))
        })
        .await
}

/// The ceremony that an attempt waits for.
async fn waiting(app: &App, attempt: &Attempt) -> Result<Option<Ceremony>, StoreError> {
    match &attempt.ceremony {
        Some(id) => acts::look(app, id.clone(), Owner::Attempt(attempt.id.clone())).await,
        None => Ok(None),
    }
}

/// `GET /sign-in/number`.
pub async fn number(State(app): State<App>, visitor: Visitor) -> Response {
    let Some(attempt) = &visitor.attempt else {
        return Redirect::to("/sign-in").into_response();
    };
    match waiting(&app, attempt).await {
        Ok(Some(ceremony)) => match ceremony.outcome_at(visitor.now) {
            None => words::sign_in_number(&ceremony, visitor.now).show(&app, &visitor),
            Some(_) if ceremony.is_redeemable(visitor.now) => {
                words::sign_in_number(&ceremony, visitor.now).show(&app, &visitor)
            }
            // Approved, but the page was away for too long: turning it again would never end.
            Some(Outcome::Approved) => words::sign_in_over(Outcome::Expired).show(&app, &visitor),
            Some(outcome) => words::sign_in_over(outcome).show(&app, &visitor),
        },
        Ok(None) => Redirect::to("/sign-in").into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// `GET /sign-in/events`.
pub async fn number_events(State(app): State<App>, visitor: Visitor) -> Response {
    let shared = app.clone();
    events::until(&app, move || {
        let (app, attempt) = (shared.clone(), visitor.attempt.clone());
        async move {
            let Some(attempt) = attempt else {
                return true;
            };
            match waiting(&app, &attempt).await {
                Ok(Some(ceremony)) => ceremony.outcome_at(app.clock.now()).is_some(),
                Ok(None) | Err(_) => true,
            }
        }
    })
}

/// `POST /sign-in/again`.
pub async fn again(State(app): State<App>, posted: Posted) -> Response {
    match posted.visitor.attempt.clone() {
        Some(attempt) => ask_phone(&app, posted.visitor, attempt).await,
        None => Redirect::to("/sign-in").into_response(),
    }
}

/// `POST /sign-in/cancel`.
pub async fn cancel(State(app): State<App>, posted: Posted) -> Response {
    let Some(attempt) = posted.visitor.attempt else {
        return Redirect::to("/sign-in").into_response();
    };
    if let Some(id) = attempt.ceremony
        && let Err(error) = acts::cancel(&app, id, Owner::Attempt(attempt.id)).await
    {
        return failed(&app, &error);
    }
    Redirect::to("/sign-in/number").into_response()
}

/// `POST /sign-in/finish`: the approval becomes a session, once, for this browser alone.
pub async fn finish(State(app): State<App>, posted: Posted) -> Response {
    let Some(attempt) = posted.visitor.attempt.clone() else {
        return Redirect::to("/sign-in").into_response();
    };
    let (Ok(session_cookie), Ok(browser_cookie)) = (random_id(), random_id()) else {
        return failed(&app, &StoreError::Stopped);
    };
    let browser_cookie = posted.visitor.browser.clone().unwrap_or(browser_cookie);
    let (now, id, browser) = (posted.visitor.now, hashed(session_cookie.as_bytes()), browser_cookie.clone());
    let (older, request) = (posted.visitor.session.map(|session| session.id), attempt.request.clone());
    let finished = app.store.run(move |tx| redeem(tx, &attempt, id, &browser, older, now)).await;
    let session = match finished {
        Ok(Some(session)) => session,
        Ok(None) => return Redirect::to("/sign-in/number").into_response(),
        Err(error) => return failed(&app, &error),
    };
    let response = match request {
        Some(request) => go_back(&app, session, request).await,
        None => Redirect::to("/security-info").into_response(),
    };
    let response = without_cookie(response, Kind::Attempt);
    with_cookie(with_cookie(response, Kind::Session, &session_cookie), Kind::Browser, &browser_cookie)
}

fn redeem(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    session_id: String,
    browser_cookie: &str,
    older: Option<String>,
    now: i64,
) -> Result<Option<Session>, StoreError> {
    let Some(ceremony_id) = &attempt.ceremony else {
        return Ok(None);
    };
    let owner = Owner::Attempt(attempt.id.clone());
    let Some(ceremony) = acts::redeem(tx, ceremony_id, &owner, PromptKind::SecondFactor, now)? else {
        return Ok(None);
    };
    if let Some(older) = older {
        end_session(tx, &older, now)?;
    }
    let session = Session::new(session_id, ceremony.account_id.clone(), true, now);
    let browser = KnownBrowser::new(browser_cookie, &ceremony.account_id, now);
    tx.put(&session)?;
    tx.put(&browser)?;
    tx.delete::<Attempt>(&attempt.id)?;
    acts::gave(tx, ceremony, &session, Some(browser.id))?;
    Ok(Some(session))
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
            tx.put(&Session { request: attempt.request, ..Session::new(id, account_id, false, now) })?;
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
