//! The phone that sent the person here: they have signed in, and now agree to it by name, with the digits that it
//! shows when it is to be added.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::clock::Time;
use crate::devices::records::Device;
use crate::devices::standing::{Status, may_answer};
use crate::openid::answer::Answer;
use crate::pages::words;
use crate::people::Person;
use crate::phone_sign_in::acts as registrations;
use crate::phone_sign_in::records::{Purpose, Registration};
use crate::phone_sign_in::rules::MAX_WRONG_DIGITS;
use crate::prompts::acts;
use crate::prompts::records::Kind as PromptKind;
use crate::secrets::{hashed, random_id};
use crate::session::{Kind, Posted, Visitor, failed, with_cookie, without_cookie};
use crate::sign_in::flow::{self, Flow, Goal, Note};
use crate::sign_in::records::Attempt;
use crate::sign_in::routes::take_over;
use crate::store::{StoreError, Tx};

const CONSENT: &str = "/register-phone";
/// RFC 6749 section 4.1.2.1; the phone says that the policy does not allow it.
const NOT_ALLOWED: &str = "unauthorized_client";

/// `GET /authorize` of the phone: everything was checked when it was pushed; the person signs in, always.
pub async fn authorize(app: &App, visitor: Visitor, request_uri: String) -> Response {
    let (Ok(cookie), Ok(flow), now) = (random_id(), Flow::new(Goal::Phone), visitor.now) else {
        return failed(app, &StoreError::Stopped);
    };
    let taken = app.store.run(move |tx| registrations::take(tx, &request_uri, now)).await;
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

/// The number was approved: on the phone that is to be registered, or on one that lets another in.
pub(super) async fn approved(app: &App, attempt: Attempt, now: Time) -> Response {
    let flow = attempt.flow.clone();
    match app.store.run(move |tx| redeem(tx, attempt, now)).await {
        Ok(true) => flow.to(app, CONSENT),
        Ok(false) => flow.to(app, "/sign-in/number"),
        Err(error) => failed(app, &error),
    }
}

/// An approval becomes the right to agree; false when there is none for this.
pub fn redeem(tx: &mut Tx<'_>, attempt: Attempt, now: Time) -> Result<bool, StoreError> {
    let kind = match attempt.registration.as_ref().map(|registration| &registration.purpose) {
        Some(Purpose::AddPhone(_)) => PromptKind::AddMethod,
        Some(Purpose::TurnOn { .. }) | None => PromptKind::RegisterDevice,
    };
    let (Some(ceremony), owner) = (&attempt.ceremony, attempt.owner()) else {
        return Ok(false);
    };
    if acts::redeem(tx, ceremony, &owner, kind, now)?.is_none() {
        return Ok(false);
    }
    tx.put(&Attempt { may_register: true, ..attempt })?;
    Ok(true)
}

/// Nobody else needs to be asked: a pass, or the first phone of the account.
pub(super) async fn may_add(app: &App, attempt: Attempt) -> Response {
    let (flow, attempt) = (attempt.flow.clone(), Attempt { may_register: true, ..attempt });
    match app.store.run(move |tx| tx.put(&attempt)).await {
        Ok(()) => flow.to(app, CONSENT),
        Err(error) => failed(app, &error),
    }
}

/// The policy does not allow the app: the phone is told with the person's next click.
pub(super) fn not_offered(app: &App, visitor: &Visitor, attempt: Attempt) -> Response {
    match attempt.registration {
        Some(_registration) => words::not_offered_to_phone().show(app, visitor),
        None => words::not_offered().show(app, visitor),
    }
}

/// The registration that this browser may agree to, and whose it will be.
pub fn agreed_to(attempt: Option<&Attempt>, now: Time) -> Option<(Attempt, Registration, String)> {
    let attempt = attempt.filter(|attempt| attempt.may_register)?.clone();
    let registration = attempt.registration.clone()?;
    let account = attempt.account(now)?.to_owned();
    let fits = registration.account_id.as_ref().is_none_or(|owner| *owner == account);
    fits.then_some((attempt, registration, account))
}

/// `GET /register-phone`: names the device; never skipped.
pub async fn consent(State(app): State<App>, visitor: Visitor) -> Response {
    let attempt = match flow::of_page(&app, &visitor, CONSENT) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    let Some((_, registration, _)) = agreed_to(Some(&attempt), visitor.now) else {
        return attempt.flow.restart(&app, None);
    };
    ask_consent(&app, &visitor, registration, None).await
}

async fn ask_consent(
    app: &App,
    visitor: &Visitor,
    registration: Registration,
    problem: Option<&'static str>,
) -> Response {
    let page = match registration.purpose {
        Purpose::AddPhone(phone) => Ok(Some(words::add_phone(&phone.name, &phone.model, problem))),
        Purpose::TurnOn { device_id } => app.store.run(move |tx| tx.get::<Device>(&device_id)).await.map(|device| {
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

/// What came of agreeing.
pub enum Agreed {
    /// A code for the phone.
    Code(String),
    /// Other digits than the phone shows; another try.
    WrongDigits(Box<Registration>),
    /// Other digits three times.
    TooManyDigits,
    /// The policy says no meanwhile.
    NotAllowed,
    /// Removed, or agreed to already.
    Stale,
}

/// `POST /register-phone`.
pub async fn agree(State(app): State<App>, posted: Posted) -> Response {
    let attempt = match flow::of_form(&app, &posted.visitor) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    let flow = attempt.flow.clone();
    let Some((attempt, registration, account)) = agreed_to(Some(&attempt), posted.visitor.now) else {
        return flow.restart(&app, Some(Note::TookTooLong));
    };
    let (now, digits, asked) = (posted.visitor.now, posted.field("digits").to_owned(), registration.clone());
    let agreed = app.store.run(move |tx| decide(tx, attempt, asked, &account, &digits, now)).await;
    match agreed {
        Ok(Agreed::Code(code)) => back(&app, &posted.visitor, &registration, ("code", &code)),
        Ok(Agreed::WrongDigits(registration)) => {
            ask_consent(&app, &posted.visitor, *registration, Some(words::WRONG_PHONE_DIGITS)).await
        }
        Ok(Agreed::TooManyDigits) => {
            let page = words::too_many_digits().show(&app, &posted.visitor);
            without_cookie(page, Kind::Attempt)
        }
        Ok(Agreed::NotAllowed) => back(&app, &posted.visitor, &registration, ("error", NOT_ALLOWED)),
        Ok(Agreed::Stale) => words::stale_registration().show(&app, &posted.visitor),
        Err(error) => failed(&app, &error),
    }
}

/// Everything is looked at again: the page may have been open for a while.
pub fn decide(
    tx: &mut Tx<'_>,
    attempt: Attempt,
    registration: Registration,
    account: &str,
    digits: &str,
    now: Time,
) -> Result<Agreed, StoreError> {
    let person = tx.get::<Person>(account)?;
    if !attempt.proven.as_ref().zip(person).is_some_and(|(proven, person)| proven.still_counts(&person)) {
        return Ok(Agreed::Stale);
    }
    let right = match &registration.purpose {
        Purpose::TurnOn { device_id } => {
            if !tx.get::<Device>(device_id)?.is_some_and(|device| device.is_active()) {
                return Ok(Agreed::Stale);
            }
            true
        }
        Purpose::AddPhone(phone) => {
            if may_answer(tx, account)? != Status::Ok {
                return Ok(Agreed::NotAllowed);
            }
            registrations::are_digits(&registration, phone, digits)
        }
    };
    if !right {
        return wrong_digits(tx, attempt, registration);
    }
    if !tx.delete::<Attempt>(&attempt.id)? {
        return Ok(Agreed::Stale);
    }
    Ok(Agreed::Code(registrations::issue_code(tx, registration, account, now)?))
}

fn wrong_digits(tx: &mut Tx<'_>, attempt: Attempt, mut registration: Registration) -> Result<Agreed, StoreError> {
    // Counted on what is stored now: tries that come at once are still three.
    let Some(stored) = tx.get::<Attempt>(&attempt.id)? else {
        return Ok(Agreed::Stale);
    };
    let Some(Registration { purpose: Purpose::AddPhone(mut phone), .. }) = stored.registration else {
        return Ok(Agreed::Stale);
    };
    phone.wrong_digits = phone.wrong_digits.saturating_add(1);
    if phone.wrong_digits >= MAX_WRONG_DIGITS {
        tx.delete::<Attempt>(&attempt.id)?;
        return Ok(Agreed::TooManyDigits);
    }
    registration.purpose = Purpose::AddPhone(phone);
    tx.put(&Attempt { registration: Some(registration.clone()), ..attempt })?;
    Ok(Agreed::WrongDigits(Box::new(registration)))
}

/// `POST /register-phone/cancel`.
pub async fn refuse(State(app): State<App>, posted: Posted) -> Response {
    turn_away(&app, &posted.visitor, "access_denied").await
}

/// `POST /register-phone/not-offered`: back to the phone, which says so too.
pub async fn tell_not_offered(State(app): State<App>, posted: Posted) -> Response {
    turn_away(&app, &posted.visitor, NOT_ALLOWED).await
}

async fn turn_away(app: &App, visitor: &Visitor, error: &'static str) -> Response {
    let attempt = match flow::of_form(app, visitor) {
        Ok(attempt) => attempt,
        Err(instead) => return *instead,
    };
    let Some(registration) = attempt.registration else {
        return attempt.flow.restart(app, None);
    };
    let id = attempt.id;
    match app.store.run(move |tx| tx.delete::<Attempt>(&id)).await {
        Ok(_) => back(app, visitor, &registration, ("error", error)),
        Err(error) => failed(app, &error),
    }
}

/// Lets the person leave for the phone's app.
fn back(app: &App, visitor: &Visitor, registration: &Registration, outcome: (&str, &str)) -> Response {
    let answer = Answer::new(app, &registration.redirect_uri, Some(&registration.state), outcome);
    without_cookie(Answer::by_page(answer, app, visitor, "Countersign"), Kind::Attempt)
}
