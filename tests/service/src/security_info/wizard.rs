//! Serves the wizard that adds a phone. Its pages are: install, code, digits, confirmation and done.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use super::acts::confirm_phone;
use super::routes::{allowed, update_session};
use super::step_up::{self, waiting};
use crate::app::App;
use crate::clock::Time;
use crate::cookies::{Kind, with_cookie};
use crate::devices::device::{Cause, Device};
use crate::devices::records as devices;
use crate::effects::known_browser::Cookies;
use crate::effects::{add_method, approval};
use crate::enrollment::acts::{self as enrollment, MakeError};
use crate::enrollment::rules::Digits;
use crate::enrollment::state::{Enrollment, State as Stage};
use crate::events;
use crate::pages::failed;
use crate::pages::words;
use crate::people::person::Person;
use crate::policy::records::effective_for;
use crate::posted::Posted;
use crate::prompts::acts::{self as prompts, Only, Wanted};
use crate::prompts::ceremony::{Kind as PromptKind, Origin, Outcome, Owner};
use crate::prompts::change::Change;
use crate::provenance::Given;
use crate::secrets::random_id;
use crate::sign_in::resume::sign_in_again;
use crate::sign_in::session::Session;
use crate::sign_in::waiting::context;
use crate::store::{StoreError, Tx};
use crate::visitor::Visitor;

const CODE: &str = "/security-info/add/code";

/// Whether a session may add a phone with the wizard.
pub enum MayAdd {
    /// The wizard may start. The value is what allows it.
    Now(Given),
    /// A phone of the account must approve first.
    AfterApproval,
    /// The first phone needs a pass.
    PassNeeded,
    /// The policy does not let the person add a phone on these pages.
    NotOffered,
}

/// Decides whether a session may add a phone. Spends nothing.
fn may_add(tx: &mut Tx<'_>, session: &Session, now: Time) -> Result<MayAdd, StoreError> {
    let Some(person) = tx.get::<Person>(&session.account_id)? else {
        return Ok(MayAdd::NotOffered);
    };
    let effective = effective_for(tx, &person)?;
    if !effective.allows_security_info_registration() {
        return Ok(MayAdd::NotOffered);
    }
    if add_method::may_add(tx, &session.account_id, &session.given.by, now)? {
        return Ok(MayAdd::Now(session.given.passed_on(now)));
    }
    let owner = Owner::Session(session.id.clone());
    if let Some(id) = &session.ceremony
        && let Some(given) = approval::ready(tx, id, &owner, PromptKind::AddMethod, now)?
    {
        return Ok(MayAdd::Now(given));
    }
    let has_phone = !devices::active(tx, &session.account_id)?.is_empty();
    Ok(if has_phone { MayAdd::AfterApproval } else { MayAdd::PassNeeded })
}

/// Like `may_add`, in its own transaction.
async fn may_add_now(app: &App, session: &Session, now: Time) -> Result<MayAdd, Response> {
    let wanted = session.clone();
    let decided = app.store.in_account(&session.account_id, move |tx| may_add(tx, &wanted, now)).await;
    decided.map_err(|error| failed(app, &error))
}

/// `GET /security-info/add`: the wizard's first page.
pub async fn add(State(app): State<App>, visitor: Visitor) -> Response {
    let session = match allowed(&app, &visitor).await {
        Ok((session, _, _)) => session,
        Err(response) => return response,
    };
    match may_add_now(&app, &session, visitor.now).await {
        Ok(MayAdd::Now(_)) => words::wizard_install().show(&app, &visitor),
        Ok(MayAdd::NotOffered) => words::not_offered().show(&app, &visitor),
        Ok(MayAdd::AfterApproval | MayAdd::PassNeeded) => Redirect::to("/security-info").into_response(),
        Err(response) => response,
    }
}

/// `POST /security-info/add`: opens the wizard. If the account already has a phone, a phone must first approve.
pub async fn take_add(State(app): State<App>, posted: Posted) -> Response {
    let session = match allowed(&app, &posted.visitor).await {
        Ok((session, _, _)) => session,
        Err(response) => return response,
    };
    match may_add_now(&app, &session, posted.visitor.now).await {
        Ok(MayAdd::Now(_)) => Redirect::to("/security-info/add").into_response(),
        Ok(other) => may_not_add(&app, &posted.visitor, session, &other).await,
        Err(response) => response,
    }
}

/// Asks a phone to approve adding, or says why no phone can be added.
async fn may_not_add(app: &App, visitor: &Visitor, session: Session, why: &MayAdd) -> Response {
    match why {
        MayAdd::NotOffered => words::not_offered().show(app, visitor),
        MayAdd::PassNeeded => words::pass_needed().show(app, visitor),
        MayAdd::AfterApproval | MayAdd::Now(_) => step_up::ask(app, visitor, session, Change::AddMethod).await,
    }
}

/// `POST /security-info/add/start`: starts an enrollment, if the session may still add a phone in this transaction.
pub async fn start(State(app): State<App>, posted: Posted) -> Response {
    let session = match allowed(&app, &posted.visitor).await {
        Ok((session, _, _)) => session,
        Err(response) => return response,
    };
    let now = posted.visitor.now;
    let given = session.given.passed_on(now);
    let fresh = match enrollment::fresh(&app, session.account_id.clone(), session.id.clone(), given, now) {
        Ok(enrollment) => enrollment,
        Err(error) => return not_made(&app, &error),
    };
    let id = session.id.clone();
    let start = move |tx: &mut Tx<'_>| start_in(tx, &id, &fresh, now);
    match app.store.in_account(&session.account_id, start).await {
        Ok(MayAdd::Now(_)) => Redirect::to(CODE).into_response(),
        Ok(other) => may_not_add(&app, &posted.visitor, session, &other).await,
        Err(error) => failed(&app, &error),
    }
}

/// Starts the enrollment `fresh` in the wizard of a session, if the session may add a phone now.
pub fn start_in(tx: &mut Tx<'_>, session_id: &str, fresh: &Enrollment, now: Time) -> Result<MayAdd, StoreError> {
    let Some(session) = tx.get::<Session>(session_id)?.filter(|session| session.expires_at > now) else {
        return Ok(MayAdd::AfterApproval);
    };
    let may = may_add(tx, &session, now)?;
    if let MayAdd::Now(given) = &may {
        let enrollment = Enrollment { given: given.clone(), ..fresh.clone() };
        enrollment::start_in(tx, &enrollment, now)?;
        let started = |session: &mut Session| session.enrollment = Some(enrollment.scanned.id.clone());
        tx.update(session_id, started)?.granted();
    }
    Ok(may)
}

fn not_made(app: &App, error: &MakeError) -> Response {
    tracing::error!(%error, "could not create an enrollment or show its code");
    words::unavailable().show_as(axum::http::StatusCode::SERVICE_UNAVAILABLE, app, None)
}

/// Changes the session and shows the wizard's current page. If the session has ended in the meantime, that page asks the
/// person to sign in again.
async fn keep(app: &App, session: &Session, change: impl Fn(&mut Session) + Send + 'static) -> Response {
    match update_session(app, session, change).await {
        Ok(_updated) => Redirect::to(CODE).into_response(),
        Err(error) => failed(app, &error),
    }
}

/// Returns two values: the session, and the enrollment that the session's wizard has started. If one of them is
/// missing, returns the response for the browser as the error.
async fn open(app: &App, visitor: &Visitor) -> Result<(Session, Enrollment), Response> {
    let Some(session) = visitor.session.clone() else {
        return Err(sign_in_again(app, visitor));
    };
    let Some(id) = session.enrollment.clone() else {
        return Err(Redirect::to("/security-info").into_response());
    };
    match enrollment::current(app, id).await {
        Ok(Some(enrollment)) if enrollment.is_of(&session) => Ok((session, enrollment)),
        Ok(_) => Err(Redirect::to("/security-info").into_response()),
        Err(error) => Err(failed(app, &error)),
    }
}

/// `GET /security-info/add/code`: the page for the current state of the enrollment.
pub async fn code(State(app): State<App>, visitor: Visitor) -> Response {
    let (session, enrollment) = match open(&app, &visitor).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    match enrollment.state {
        Stage::Open => show_code(&app, &visitor, &enrollment),
        Stage::Bound => show_digits(&app, &visitor, &enrollment, None).await,
        Stage::Active => show_confirmation(&app, &visitor, &session, &enrollment).await,
        Stage::Ended(cause) => words::wizard_over(cause).show(&app, &visitor),
    }
}

fn show_code(app: &App, visitor: &Visitor, enrollment: &Enrollment) -> Response {
    let text = match enrollment::scanned_text(app, enrollment) {
        Ok(text) => text,
        Err(error) => return not_made(app, &error),
    };
    let Ok(code) = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M) else {
        return not_made(app, &MakeError::Over);
    };
    let picture = code.render::<svg::Color<'_>>().min_dimensions(264, 264).quiet_zone(true).build();
    let picture = base64::engine::general_purpose::STANDARD.encode(picture);
    let address = app.config.issuer.trim_start_matches("https://").to_owned();
    let typed = enrollment::typed_text(app, enrollment).map(|code| (code, address));
    let looked = !enrollment.nonces.is_empty();
    words::wizard_code(format!("data:image/svg+xml;base64,{picture}"), typed, looked).show(app, visitor)
}

async fn show_digits(app: &App, visitor: &Visitor, enrollment: &Enrollment, problem: Option<&str>) -> Response {
    let id = enrollment.device_id.clone().unwrap_or_default();
    match app.store.global(move |tx| tx.get::<Device>(&id)).await {
        Ok(Some(Device { claimed: Some(claimed), .. })) => {
            let page = words::wizard_digits(&claimed.name, &claimed.model, enrollment.another_phone, problem);
            page.show(app, visitor)
        }
        Ok(_) => words::wizard_over(Cause::Cancelled).show(app, visitor),
        Err(error) => failed(app, &error),
    }
}

async fn show_confirmation(app: &App, visitor: &Visitor, session: &Session, enrollment: &Enrollment) -> Response {
    match waiting(app, session).await {
        Ok(Some(ceremony)) => match ceremony.outcome_at(visitor.now) {
            None => words::wizard_confirm(&ceremony, visitor.now).show(app, visitor),
            Some(_) if ceremony.is_redeemable(visitor.now) => {
                words::wizard_confirm(&ceremony, visitor.now).show(app, visitor)
            }
            Some(Outcome::Approved) => done_page(app, visitor, session, enrollment, ceremony.redeemed).await,
            Some(outcome) => words::wizard_not_confirmed(outcome).show(app, visitor),
        },
        Ok(None) => done_page(app, visitor, session, enrollment, false).await,
        Err(error) => failed(app, &error),
    }
}

async fn done_page(
    app: &App,
    visitor: &Visitor,
    session: &Session,
    enrollment: &Enrollment,
    confirmed: bool,
) -> Response {
    let id = enrollment.device_id.clone().unwrap_or_default();
    match app.store.global(move |tx| tx.get::<Device>(&id)).await {
        Ok(device) => {
            let by_push = device.is_some_and(|device| device.push_seen);
            words::wizard_done(confirmed, by_push, session.request.is_some()).show(app, visitor)
        }
        Err(error) => failed(app, &error),
    }
}

/// `POST /security-info/add/typed`.
pub async fn typed(State(app): State<App>, posted: Posted) -> Response {
    let (_, enrollment) = match open(&app, &posted.visitor).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    match enrollment::add_typed(&app, enrollment.scanned.id).await {
        Ok(()) | Err(MakeError::Over) => Redirect::to(CODE).into_response(),
        Err(error) => not_made(&app, &error),
    }
}

/// `POST /security-info/add/digits`.
pub async fn digits(State(app): State<App>, posted: Posted) -> Response {
    let (session, enrollment) = match open(&app, &posted.visitor).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let (id, typed) = (enrollment.scanned.id.clone(), posted.field("digits").to_owned());
    match enrollment::digits(&app, &session.account_id, id, session.id.clone(), typed).await {
        Ok(Digits::Right) => confirm(&app, &posted.visitor, session, &enrollment).await,
        Ok(Digits::Over) => Redirect::to(CODE).into_response(),
        Ok(wrong @ Digits::Wrong(_)) => {
            show_digits(&app, &posted.visitor, &enrollment, words::wrong_digits(wrong)).await
        }
        Err(error) => failed(&app, &error),
    }
}

/// Sends the first prompt, to the new phone only.
async fn confirm(app: &App, visitor: &Visitor, session: Session, enrollment: &Enrollment) -> Response {
    let wanted = Wanted {
        account_id: session.account_id.clone(),
        owner: Owner::Session(session.id.clone()),
        known_browser: session.browser.clone(),
        kind: PromptKind::ConfirmEnrollment,
        origin: Origin::SignedIn,
        context: context(visitor, "Security info"),
        network: visitor.peer.network(),
        drawn: None,
        proven: None,
        change: None,
        only: Only::Device(enrollment.device_id.clone().unwrap_or_default()),
    };
    match prompts::start(app, wanted).await {
        Ok(started) => {
            let ceremony = started.granted().map(|ceremony| ceremony.id);
            keep(app, &session, move |session| session.ceremony.clone_from(&ceremony)).await
        }
        Err(error) => failed(app, &error),
    }
}

/// `POST /security-info/add/again`.
pub async fn confirm_again(State(app): State<App>, posted: Posted) -> Response {
    match open(&app, &posted.visitor).await {
        Ok((session, enrollment)) if enrollment.state == Stage::Active => {
            confirm(&app, &posted.visitor, session, &enrollment).await
        }
        Ok(_) => Redirect::to(CODE).into_response(),
        Err(response) => response,
    }
}

/// `POST /security-info/add/finish`: redeems the approval of the first prompt (see `confirm_phone`).
pub async fn finish(State(app): State<App>, posted: Posted) -> Response {
    let (session, _) = match open(&app, &posted.visitor).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let Ok(fresh) = random_id() else {
        return failed(&app, &StoreError::Stopped);
    };
    let (now, cookies) = (posted.visitor.now, Cookies { own: posted.visitor.browser.clone(), fresh });
    let confirmed = app.store.global(move |tx| confirm_phone(tx, &session.id, cookies.clone(), now)).await;
    match confirmed {
        Ok(Some(cookie)) => with_cookie(Redirect::to(CODE).into_response(), Kind::Browser, &cookie),
        Ok(None) => Redirect::to(CODE).into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /security-info/add/skip`.
pub async fn skip(State(app): State<App>, posted: Posted) -> Response {
    let (session, _) = match open(&app, &posted.visitor).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    if let Some(id) = session.ceremony.clone()
        && let Err(error) = prompts::cancel(&app, id, Owner::Session(session.id.clone())).await
    {
        return failed(&app, &error);
    }
    keep(&app, &session, |session| session.ceremony = None).await
}

/// `POST /security-info/add/not-my-phone`.
pub async fn not_my_phone(State(app): State<App>, posted: Posted) -> Response {
    end(&app, &posted.visitor, Cause::NotMyPhone, CODE).await
}

/// `POST /security-info/add/cancel`.
pub async fn cancel(State(app): State<App>, posted: Posted) -> Response {
    end(&app, &posted.visitor, Cause::Cancelled, "/security-info").await
}

async fn end(app: &App, visitor: &Visitor, cause: Cause, next: &'static str) -> Response {
    if let Ok((_, enrollment)) = open(app, visitor).await
        && let Err(error) = enrollment::end(app, enrollment.scanned.id, cause).await
    {
        return failed(app, &error);
    }
    Redirect::to(next).into_response()
}

/// `GET /security-info/add/events`: sends an event when a phone has made a look-up with the code, when the enrollment
/// is no longer open, or when the first prompt was answered or has expired.
pub async fn add_events(State(app): State<App>, visitor: Visitor) -> Response {
    let (shared, looks_at_first) = (app.clone(), Arc::new(OnceLock::new()));
    events::until(&app.store, move || {
        let (app, session, looks_at_first) = (shared.clone(), visitor.session.clone(), looks_at_first.clone());
        async move {
            let Some((session, id)) = session.and_then(|session| session.enrollment.clone().map(|id| (session, id)))
            else {
                return true;
            };
            match enrollment::current(&app, id).await {
                Ok(Some(Enrollment { state: Stage::Open, nonces, .. })) => {
                    *looks_at_first.get_or_init(|| nonces.len()) != nonces.len()
                }
                Ok(Some(Enrollment { state: Stage::Active, .. })) => match waiting(&app, &session).await {
                    Ok(Some(ceremony)) => ceremony.outcome_at(app.clock.now()).is_some(),
                    Ok(None) | Err(_) => true,
                },
                Ok(_) | Err(_) => true,
            }
        }
    })
}
