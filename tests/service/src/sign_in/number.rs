//! Shows the number page of every kind of sign-in, and redeems the approval.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::cookies::{Kind, with_cookie, with_way, without_cookie};
use crate::effects::known_browser::Cookies;
use crate::effects::sign_in;
use crate::events;
use crate::openid::answer::leave_with_code;
use crate::pages::failed;
use crate::pages::words;
use crate::people::person::Person;
use crate::posted::Posted;
use crate::prompts::acts::{self};
use crate::prompts::ceremony::Outcome;
use crate::secrets::{hashed, random_id};
use crate::sign_in::acts::waiting;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::phone;
use crate::sign_in::resume;
use crate::sign_in::second_factor;
use crate::sign_in::session::Used;
use crate::sign_in::waiting::NUMBER;
use crate::store::{StoreError, Tx};
use crate::visitor::Visitor;

const CONTINUE: &str = "/sign-in/continue";

/// `GET /sign-in/number`.
pub async fn number(State(app): State<App>, visitor: Visitor) -> Response {
    let attempt = match resume::of_page(&app, &visitor, NUMBER) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    if let Some(unproven) = &attempt.unproven {
        return phone::page(&app, &visitor, unproven);
    }
    match waiting(&app, &attempt).await {
        Ok(Some(ceremony)) => match ceremony.outcome_at(visitor.now) {
            None => words::sign_in_number(&ceremony, visitor.now).show(&app, &visitor),
            Some(_) if ceremony.is_redeemable(visitor.now) => {
                words::sign_in_number(&ceremony, visitor.now).show(&app, &visitor)
            }
            // The approval can no longer be redeemed. If the number page were shown in this case, it would get an event
            // immediately and reload without end.
            Some(Outcome::Approved) => words::sign_in_over(Outcome::Expired).show(&app, &visitor),
            Some(outcome) => words::sign_in_over(outcome).show(&app, &visitor),
        },
        Ok(None) => attempt.flow.restart(&app, None),
        Err(error) => failed(&app, &error),
    }
}

/// `GET /sign-in/events`.
pub async fn number_events(State(app): State<App>, visitor: Visitor) -> Response {
    let (shared, attempt) = (app.clone(), resume::of_page(&app, &visitor, NUMBER).ok());
    events::until(&app.store, move || {
        let (app, attempt) = (shared.clone(), attempt.clone());
        async move {
            match attempt {
                Some(attempt) => must_reload(&app, &attempt).await.unwrap_or(true),
                None => true,
            }
        }
    })
}

/// Returns whether the number page must reload because its attempt or ceremony has changed.
async fn must_reload(app: &App, attempt: &Attempt) -> Result<bool, StoreError> {
    let id = attempt.id.clone();
    if app.store.global(move |tx| tx.get::<Attempt>(&id)).await?.is_none() {
        // Another tab has finished or replaced the attempt.
        return Ok(true);
    }
    let (now, ceremony) = (app.clock.now(), waiting(app, attempt).await?);
    Ok(match (ceremony, &attempt.unproven) {
        // The page of a browser that proved nothing reloads only after an approval or when its time is over, so that it
        // reveals no other outcome.
        (Some(ceremony), Some(unproven)) => ceremony.is_redeemable(now) || unproven.ends_at <= now,
        (None, Some(unproven)) => unproven.ends_at <= now,
        (Some(ceremony), None) => ceremony.outcome_at(now).is_some(),
        (None, None) => true,
    })
}

/// `POST /sign-in/again`.
pub async fn again(State(app): State<App>, posted: Posted) -> Response {
    match resume::of_form(&app, &posted.visitor) {
        Ok(attempt) if attempt.proven.is_some() => second_factor::ask(&app, posted.visitor, attempt).await,
        Ok(attempt) if attempt.registration.is_none() => phone::ask(&app, posted.visitor, attempt).await,
        Ok(attempt) => attempt.flow.restart(&app, None),
        Err(instead) => *instead,
    }
}

/// `POST /sign-in/cancel`.
pub async fn cancel(State(app): State<App>, posted: Posted) -> Response {
    let attempt = match resume::of_form(&app, &posted.visitor) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    if attempt.unproven.is_some() {
        return phone::cancel(&app, attempt).await;
    }
    let (flow, owner) = (attempt.flow.clone(), attempt.owner());
    if let Some(id) = attempt.ceremony
        && let Err(error) = acts::cancel(&app, id, owner).await
    {
        return failed(&app, &error);
    }
    flow.to(&app, NUMBER)
}

/// `POST /sign-in/finish`: redeems the approval. If the browser proved nothing, a page first names the account, so that
/// the person is not signed in to another person's account without noticing.
pub async fn finish(State(app): State<App>, posted: Posted) -> Response {
    match resume::of_form(&app, &posted.visitor) {
        // GUARD(account-named-before-session): j6_an_unknown_browser_shows_three_digits_and_the_account
        Ok(attempt) if attempt.unproven.is_some() => attempt.flow.to(&app, CONTINUE),
        Ok(attempt) => give(&app, posted, attempt).await,
        Err(instead) => *instead,
    }
}

/// `GET /sign-in/continue`: names the account before the browser is signed in to it.
pub async fn name_account(State(app): State<App>, visitor: Visitor) -> Response {
    let attempt = match resume::of_page(&app, &visitor, CONTINUE) {
        Ok(attempt) if attempt.unproven.is_some() => attempt,
        Ok(attempt) => return attempt.flow.restart(&app, None),
        Err(instead) => return *instead,
    };
    let now = visitor.now;
    let found = match waiting(&app, &attempt).await {
        Ok(Some(ceremony)) if ceremony.is_redeemable(now) => {
            app.store.global(move |tx| tx.get::<Person>(&ceremony.account_id)).await
        }
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(person)) => words::name_account(&person.display_name, &person.user_name).show(&app, &visitor),
        Ok(None) => attempt.flow.to(&app, NUMBER),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /sign-in/continue`.
pub async fn finish_named(State(app): State<App>, posted: Posted) -> Response {
    match resume::of_form(&app, &posted.visitor) {
        Ok(attempt) => give(&app, posted, attempt).await,
        Err(instead) => *instead,
    }
}

/// Redeems the approval, once and for this browser only. The browser gets a session, or may register or add a phone.
async fn give(app: &App, posted: Posted, attempt: Attempt) -> Response {
    if attempt.registration.is_some() {
        return super::register::approved(app, &posted.visitor, attempt).await;
    }
    let (Ok(session_cookie), Ok(fresh)) = (random_id(), random_id()) else {
        return failed(app, &StoreError::Stopped);
    };
    let cookies = Cookies { own: posted.visitor.browser.clone(), fresh };
    let (now, id) = (posted.visitor.now, hashed(session_cookie.as_bytes()));
    let (older, flow) = (posted.visitor.session.as_ref().map(|session| session.id.clone()), attempt.flow.clone());
    let finish = move |tx: &mut Tx<'_>| match sign_in::by_approval(tx, &attempt.id, now)? {
        Some(proof) => {
            let cookies = Some(cookies.clone());
            let browser = sign_in::Browser { session_id: &id, cookies, older: older.as_deref() };
            sign_in::act(tx, proof, browser, now).map(Some)
        }
        None => Ok(None),
    };
    let finished = app.store.global(finish).await;
    let (session, cookie) = match finished {
        Ok(Some(signed_in)) => signed_in,
        Ok(None) => return flow.to(app, NUMBER),
        Err(error) => return failed(app, &error),
    };
    let by_phone = session.used == Used::Phone;
    let response = match flow.request() {
        Some(request) => leave_with_code(app, &posted.visitor, session, request.clone()).await,
        None => Redirect::to("/security-info").into_response(),
    };
    let response = with_way(without_cookie(response, Kind::Attempt), by_phone);
    let response = with_cookie(response, Kind::Session, &session_cookie);
    match cookie {
        Some(cookie) => with_cookie(response, Kind::Browser, &cookie),
        None => response,
    }
}
