//! Registering a device: the person has signed in and approved on that very phone, and now agrees to it by name.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::clock::Time;
use crate::devices::records::Device;
use crate::openid::routes::answer;
use crate::pages::words;
use crate::phone_sign_in::acts as registrations;
use crate::phone_sign_in::records::Registration;
use crate::prompts::acts;
use crate::prompts::records::{Kind as PromptKind, Owner};
use crate::secrets::{hashed, random_id};
use crate::session::{Kind, Posted, Visitor, failed, with_cookie, without_cookie};
use crate::sign_in::records::Attempt;
use crate::store::StoreError;

/// `GET /authorize` of the phone: everything was checked when it was pushed; the person signs in, always.
pub async fn authorize(app: &App, request_uri: String) -> Response {
    let (Ok(cookie), now) = (random_id(), app.clock.now()) else {
        return failed(app, &StoreError::Stopped);
    };
    let id = hashed(cookie.as_bytes());
    let taken = app
        .store
        .run(move |tx| {
            let Some(registration) = registrations::take(tx, &request_uri, now)? else {
                return Ok(false);
            };
            tx.put(&Attempt { registration: Some(registration), ..Attempt::new(id, now) })?;
            Ok(true)
        })
        .await;
    match taken {
        Ok(true) => with_cookie(Redirect::to("/sign-in").into_response(), Kind::Attempt, &cookie),
        Ok(false) => words::stale_registration().show_as(axum::http::StatusCode::BAD_REQUEST, app, ""),
        Err(error) => failed(app, &error),
    }
}

/// The number was approved on the phone that is to be registered.
pub(super) async fn approved(app: &App, attempt: Attempt, now: Time) -> Response {
    let redeemed = app
        .store
        .run(move |tx| {
            let (Some(ceremony), owner) = (&attempt.ceremony, Owner::Attempt(attempt.id.clone())) else {
                return Ok(false);
            };
            if acts::redeem(tx, ceremony, &owner, PromptKind::RegisterDevice, now)?.is_none() {
                return Ok(false);
            }
            tx.put(&Attempt { may_register: true, ..attempt })?;
            Ok(true)
        })
        .await;
    match redeemed {
        Ok(true) => Redirect::to("/register-phone").into_response(),
        Ok(false) => Redirect::to("/sign-in/number").into_response(),
        Err(error) => failed(app, &error),
    }
}

/// The registration that this browser may agree to.
fn agreed_to(visitor: &Visitor) -> Option<(Attempt, Registration)> {
    let attempt = visitor.attempt.clone().filter(|attempt| attempt.may_register)?;
    let registration = attempt.registration.clone()?;
    (attempt.account(visitor.now) == Some(registration.account_id.as_str())).then_some((attempt, registration))
}

/// `GET /register-phone`: names the device; never skipped.
pub async fn consent(State(app): State<App>, visitor: Visitor) -> Response {
    let Some((_, registration)) = agreed_to(&visitor) else {
        return Redirect::to("/sign-in").into_response();
    };
    let device = registration.device_id.clone();
    match app.store.run(move |tx| tx.get::<Device>(&device)).await {
        Ok(Some(Device { claimed: Some(claimed), .. })) => {
            let page = words::register_phone(&claimed.name, &claimed.model);
            page.leading_to(&registration.redirect_uri).show(&app, &visitor)
        }
        Ok(_) => words::stale_registration().show(&app, &visitor),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /register-phone`.
pub async fn agree(State(app): State<App>, posted: Posted) -> Response {
    let Some((attempt, registration)) = agreed_to(&posted.visitor) else {
        return Redirect::to("/sign-in").into_response();
    };
    let (now, asked) = (posted.visitor.now, registration.clone());
    let issued = app
        .store
        .run(move |tx| {
            // Looked at again: the device may have been removed while the page was open.
            if !tx.get::<Device>(&asked.device_id)?.is_some_and(|device| device.is_active()) {
                return Ok(None);
            }
            if !tx.delete::<Attempt>(&attempt.id)? {
                return Ok(None);
            }
            Ok(Some(registrations::issue_code(tx, asked, now)?))
        })
        .await;
    match issued {
        Ok(Some(code)) => back(&app, &registration, ("code", &code)),
        Ok(None) => words::stale_registration().show(&app, &posted.visitor),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /register-phone/cancel`.
pub async fn refuse(State(app): State<App>, posted: Posted) -> Response {
    let Some((attempt, registration)) = agreed_to(&posted.visitor) else {
        return Redirect::to("/sign-in").into_response();
    };
    match app.store.run(move |tx| tx.delete::<Attempt>(&attempt.id)).await {
        Ok(_) => back(&app, &registration, ("error", "access_denied")),
        Err(error) => failed(&app, &error),
    }
}

fn back(app: &App, registration: &Registration, outcome: (&str, &str)) -> Response {
    without_cookie(answer(app, &registration.redirect_uri, Some(&registration.state), outcome), Kind::Attempt)
}
