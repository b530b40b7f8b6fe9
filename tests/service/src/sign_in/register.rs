//! Serves the pages for a person whom a phone sent to the browser. After signing in, the person agrees to register or
//! add the phone that the page names. To add a phone, the person also types the digits that the phone shows.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::cookies::{Kind, with_cookie, without_cookie};
use crate::devices::device::Device;
use crate::openid::answer::Answer;
use crate::pages::failed;
use crate::pages::words;
use crate::phone_sign_in::acts as registrations;
use crate::phone_sign_in::registration::{Purpose, Registration};
use crate::posted::Posted;
use crate::secrets::{hashed, random_id};
use crate::sign_in::acts::take_over;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::consent::{self, Agreed};
use crate::sign_in::flow::{Flow, Goal, Note};
use crate::sign_in::resume;
use crate::store::StoreError;
use crate::visitor::Visitor;

/// Path of the consent page.
pub(super) const CONSENT: &str = "/register-phone";
/// OAuth error code (RFC 6749 section 4.1.2.1) for "the policy does not allow it".
const NOT_ALLOWED: &str = "unauthorized_client";

/// `GET /authorize` for phones: starts an attempt and redirects to the user-name page. `POST /par` has already checked
/// the request. The person has to sign in even if there is a session.
pub async fn authorize(app: &App, visitor: Visitor, request_uri: String) -> Response {
    let (Ok(cookie), Ok(flow), now) = (random_id(), Flow::new(Goal::Phone), visitor.now) else {
        return failed(app, &StoreError::Stopped);
    };
    let taken = app.store.global(move |tx| registrations::take(tx, &request_uri, now)).await;
    let registration = match taken {
        Ok(Some(registration)) => Some(registration),
        Ok(None) => return words::stale_registration().show_as(StatusCode::BAD_REQUEST, app, Some(&visitor)),
        Err(error) => return failed(app, &error),
    };
    let fresh = Attempt { flow, registration, ..Attempt::new(hashed(cookie.as_bytes()), now) };
    match take_over(app, visitor.attempt, fresh).await {
        Ok(attempt) => with_cookie(attempt.flow.to(app, "/sign-in"), Kind::Attempt, &cookie),
        Err(error) => failed(app, &error),
    }
}

/// Redirects to the consent page after an approval. To register a phone, this phone must have approved. To add a phone, a
/// phone of the account must have approved. The approval is spent when the person agrees.
pub(super) async fn approved(app: &App, visitor: &Visitor, attempt: Attempt) -> Response {
    let (flow, now) = (attempt.flow.clone(), visitor.now);
    match app.store.global(move |tx| consent::may_agree(tx, &attempt.id, now)).await {
        Ok(Some(_registration)) => flow.to(app, CONSENT),
        Ok(None) => flow.to(app, "/sign-in/number"),
        Err(error) => failed(app, &error),
    }
}

/// Shows that the policy does not allow the app. If a phone sent the person here, the page's button returns the error
/// to that phone.
pub(super) fn not_offered(app: &App, visitor: &Visitor, attempt: Attempt) -> Response {
    match attempt.registration {
        Some(_registration) => words::not_offered_to_phone().show(app, visitor),
        None => words::not_offered().show(app, visitor),
    }
}

/// `GET /register-phone`: the consent page, which names the phone. This page is never skipped.
pub async fn consent(State(app): State<App>, visitor: Visitor) -> Response {
    let attempt = match resume::of_page(&app, &visitor, CONSENT) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    let (flow, now) = (attempt.flow.clone(), visitor.now);
    match app.store.global(move |tx| consent::may_agree(tx, &attempt.id, now)).await {
        Ok(Some(registration)) => ask_consent(&app, &visitor, registration, None).await,
        Ok(None) => flow.restart(&app, None),
        Err(error) => failed(&app, &error),
    }
}

async fn ask_consent(
    app: &App,
    visitor: &Visitor,
    registration: Registration,
    problem: Option<&'static str>,
) -> Response {
    let page = match registration.purpose {
        Purpose::AddPhone(phone) => Ok(Some(words::add_phone(&phone.name, &phone.model, problem))),
        Purpose::TurnOn { device_id } => app.store.global(move |tx| tx.get::<Device>(&device_id)).await.map(|device| {
            let claimed = device.and_then(|device| device.claimed)?;
            Some(words::register_phone(&claimed.name, &claimed.model))
        }),
    };
    match page {
        Ok(Some(page)) => page.show(app, visitor),
        Ok(None) => words::stale_registration().show(app, visitor),
        Err(error) => failed(app, &error),
    }
}

/// `POST /register-phone`.
pub async fn agree(State(app): State<App>, posted: Posted) -> Response {
    let attempt = match resume::of_form(&app, &posted.visitor) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    let (flow, now, digits) = (attempt.flow.clone(), posted.visitor.now, posted.field("digits").to_owned());
    let Some(registration) = attempt.registration else {
        return flow.restart(&app, None);
    };
    match app.store.global(move |tx| consent::agree(tx, &attempt.id, &digits, now)).await {
        Ok(Agreed::Code(code)) => back(&app, &posted.visitor, &registration, ("code", &code)),
        Ok(Agreed::WrongDigits(registration)) => {
            ask_consent(&app, &posted.visitor, *registration, Some(words::WRONG_PHONE_DIGITS)).await
        }
        Ok(Agreed::TooManyDigits) => {
            let page = words::too_many_digits().show(&app, &posted.visitor);
            without_cookie(page, Kind::Attempt)
        }
        Ok(Agreed::NotAllowed) => back(&app, &posted.visitor, &registration, ("error", NOT_ALLOWED)),
        Ok(Agreed::TookTooLong) => flow.restart(&app, Some(Note::TookTooLong)),
        Ok(Agreed::Stale) => words::stale_registration().show(&app, &posted.visitor),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /register-phone/cancel`.
pub async fn refuse(State(app): State<App>, posted: Posted) -> Response {
    turn_away(&app, &posted.visitor, "access_denied").await
}

/// `POST /register-phone/not-offered`: returns to the phone with the error `unauthorized_client`.
pub async fn tell_not_offered(State(app): State<App>, posted: Posted) -> Response {
    turn_away(&app, &posted.visitor, NOT_ALLOWED).await
}

async fn turn_away(app: &App, visitor: &Visitor, error: &'static str) -> Response {
    let attempt = match resume::of_form(app, visitor) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    let Some(registration) = attempt.registration else {
        return attempt.flow.restart(app, None);
    };
    let id = attempt.id;
    match app.store.global(move |tx| tx.delete::<Attempt>(&id)).await {
        Ok(_) => back(app, visitor, &registration, ("error", error)),
        Err(error) => failed(app, &error),
    }
}

/// Shows the page that leads back to the phone's app.
fn back(app: &App, visitor: &Visitor, registration: &Registration, outcome: (&str, &str)) -> Response {
    let answer = Answer::new(app, &registration.redirect_uri, Some(&registration.state), outcome);
    without_cookie(Answer::by_page(answer, app, visitor, "Countersign"), Kind::Attempt)
}
