//! Step-up: a change of the account needs an approval of its very kind, on a phone, now.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::routes::{allowed, list};
use crate::app::App;
use crate::clock::Time;
use crate::devices::records::{self as devices, Cause, Device};
use crate::events;
use crate::notices;
use crate::pages::words;
use crate::passes::{self, Span};
use crate::people::Person;
use crate::prompts::acts::{self, NotStarted, Only, Wanted};
use crate::prompts::records::{Ceremony, Origin, Outcome, Owner};
use crate::session::{Posted, Visitor, failed};
use crate::sign_in::flow::sign_in_again;
use crate::sign_in::number::context;
use crate::sign_in::records::{Change, KnownBrowser, Session, end_session, keep_session};
use crate::store::{StoreError, Tx};

const NUMBER: &str = "/security-info/step-up";

/// Asks the phones for a change; `allowed` has said that this session may see the account.
pub(super) async fn ask(app: &App, visitor: &Visitor, session: Session, change: Change) -> Response {
    if !session.is_fresh(visitor.now) {
        return words::step_up_needed().show(app, visitor);
    }
    let wanted = Wanted {
        account_id: session.account_id.clone(),
        owner: Owner::Session(session.id.clone()),
        known_browser: None,
        kind: change.kind(),
        origin: Origin::SignedIn,
        context: context(visitor, "Security info"),
        network: visitor.peer.network(),
        drawn: None,
        proven: None,
        only: asked_of(&change),
    };
    match acts::start(app, wanted).await {
        Ok(Ok(ceremony)) => {
            let session = Session { ceremony: Some(ceremony.id), change: Some(change), ..session };
            match app.store.run(move |tx| keep_session(tx, &session)).await {
                Ok(()) => Redirect::to(NUMBER).into_response(),
                Err(error) => failed(app, &error),
            }
        }
        Ok(Err(NotStarted::NoPhone | NotStarted::PasswordChanged)) => {
            words::not_changed(&change, words::no_phone_for(&change)).show(app, visitor)
        }
        Ok(Err(NotStarted::Refused(_))) => {
            words::not_changed(&change, "There were too many requests. Try again in an hour.").show(app, visitor)
        }
        Err(error) => failed(app, &error),
    }
}

/// Which phones are asked for a change.
#[must_use]
pub fn asked_of(change: &Change) -> Only {
    match change {
        Change::AddMethod | Change::RemoveMethod(_) | Change::CreatePass => Only::All,
        // The lost phone must not be asked whether it is lost.
        Change::ReportLost(device) => Only::Others(device.clone()),
    }
}

/// The ceremony that a session waits for.
pub(super) async fn waiting(app: &App, session: &Session) -> Result<Option<Ceremony>, StoreError> {
    match &session.ceremony {
        Some(id) => acts::look(app, id.clone(), Owner::Session(session.id.clone())).await,
        None => Ok(None),
    }
}

/// `GET /security-info/step-up`.
pub async fn number(State(app): State<App>, visitor: Visitor) -> Response {
    let Some((session, change)) = visitor.session.clone().and_then(|session| Some((session.clone(), session.change?)))
    else {
        return Redirect::to("/security-info").into_response();
    };
    match waiting(&app, &session).await {
        Ok(Some(ceremony)) => match ceremony.outcome_at(visitor.now) {
            None => words::change_number(&change, &ceremony, visitor.now).show(&app, &visitor),
            Some(_) if ceremony.is_redeemable(visitor.now) => {
                words::change_number(&change, &ceremony, visitor.now).show(&app, &visitor)
            }
            Some(Outcome::Approved) => {
                words::not_changed(&change, words::not_approved(Outcome::Expired)).show(&app, &visitor)
            }
            Some(outcome) => words::not_changed(&change, words::not_approved(outcome)).show(&app, &visitor),
        },
        Ok(None) => Redirect::to("/security-info").into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /security-info/step-up/finish`: the approval of this kind makes this change, once.
pub async fn finish(State(app): State<App>, posted: Posted) -> Response {
    let Some(session) = posted.visitor.session.clone() else {
        return sign_in_again(&app, &posted.visitor);
    };
    let now = posted.visitor.now;
    let changed = app.store.run(move |tx| redeem(tx, session, now)).await;
    match changed {
        Ok(Some(Changed::MayAdd)) => Redirect::to("/security-info/add").into_response(),
        Ok(Some(Changed::Removed)) => list(&app, &posted.visitor, Some(words::REMOVED)).await,
        Ok(Some(Changed::Lost)) => list(&app, &posted.visitor, Some(words::LOST)).await,
        Ok(Some(Changed::Pass(text, user_name))) => {
            words::made_pass(text, &user_name, "/security-info").show(&app, &posted.visitor)
        }
        Ok(None) => Redirect::to(NUMBER).into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// What an approved change came to.
pub enum Changed {
    /// A method may be added now.
    MayAdd,
    /// The device is off the account.
    Removed,
    /// The device is lost.
    Lost,
    /// A pass, and for whom.
    Pass(String, String),
}

/// The approval that a session waits for makes the change that it was asked for, once.
pub fn redeem(tx: &mut Tx<'_>, session: Session, now: Time) -> Result<Option<Changed>, StoreError> {
    let (Some(ceremony), Some(change)) = (session.ceremony.clone(), session.change.clone()) else {
        return Ok(None);
    };
    let owner = Owner::Session(session.id.clone());
    if acts::redeem(tx, &ceremony, &owner, change.kind(), now)?.is_none() {
        return Ok(None);
    }
    let may_add_at = (change == Change::AddMethod).then_some(now);
    let session = Session { change: None, ceremony: None, may_add_at, ..session }.approved(now);
    keep_session(tx, &session)?;
    Ok(Some(match &change {
        Change::AddMethod => Changed::MayAdd,
        Change::RemoveMethod(id) => {
            if let Some(mut device) = own(tx, &session, id)? {
                devices::remove(tx, &mut device, Cause::RemovedByPerson, now)?;
                notices::tell(tx, &session.account_id, None, notices::Kind::MethodRemoved, now)?;
            }
            Changed::Removed
        }
        Change::ReportLost(id) => {
            if let Some(mut device) = own(tx, &session, id)? {
                lost(tx, &mut device, Some(&session.id), now)?;
            }
            Changed::Lost
        }
        Change::CreatePass => {
            let Some(person) = tx.get::<Person>(&session.account_id)? else {
                return Ok(None);
            };
            let text = passes::make(tx, &session.account_id, Span::from(now), &session.account_id, now)?;
            Changed::Pass(text, person.user_name)
        }
    }))
}

/// Looked at inside the transaction: it must still be this account's own.
fn own(tx: &mut Tx<'_>, session: &Session, id: &str) -> Result<Option<Device>, StoreError> {
    Ok(tx.get::<Device>(id)?.filter(|device| device.account_id == session.account_id))
}

/// "I lost this phone": it never counts again, and whatever was made through it ends, but for the session that
/// says so.
pub fn lost(tx: &mut Tx<'_>, device: &mut Device, but: Option<&str>, now: Time) -> Result<(), StoreError> {
    for ceremony in tx.children::<Ceremony>(&device.account_id)? {
        if ceremony.decided_by.as_deref() != Some(device.id.as_str()) {
            continue;
        }
        for session in ceremony.gave_session.iter().filter(|session| Some(session.as_str()) != but) {
            end_session(tx, session, now)?;
        }
        for browser in ceremony.gave_browser.iter().chain(&ceremony.known_browser) {
            tx.delete::<KnownBrowser>(browser)?;
        }
    }
    devices::remove(tx, device, Cause::Lost, now)?;
    notices::tell(tx, &device.account_id, None, notices::Kind::PhoneLost, now)
}

/// `POST /security-info/step-up/cancel`.
pub async fn cancel(State(app): State<App>, posted: Posted) -> Response {
    if let Some(session) = posted.visitor.session
        && let Some(id) = session.ceremony
        && let Err(error) = acts::cancel(&app, id, Owner::Session(session.id)).await
    {
        return failed(&app, &error);
    }
    Redirect::to("/security-info").into_response()
}

/// `GET /security-info/step-up/events`.
pub async fn step_up_events(State(app): State<App>, visitor: Visitor) -> Response {
    let shared = app.clone();
    events::until(&app, move || {
        let (app, session) = (shared.clone(), visitor.session.clone());
        async move {
            let Some(session) = session else {
                return true;
            };
            match waiting(&app, &session).await {
                Ok(Some(ceremony)) => ceremony.outcome_at(app.clock.now()).is_some(),
                Ok(None) | Err(_) => true,
            }
        }
    })
}

/// `POST /security-info/remove`.
pub async fn remove(State(app): State<App>, posted: Posted) -> Response {
    change_device(&app, &posted, Change::RemoveMethod).await
}

/// `POST /security-info/lost`.
pub async fn report_lost(State(app): State<App>, posted: Posted) -> Response {
    change_device(&app, &posted, Change::ReportLost).await
}

/// `POST /security-info/pass`: a pass for oneself, to add a new phone with.
pub async fn make_pass(State(app): State<App>, posted: Posted) -> Response {
    match allowed(&app, &posted.visitor).await {
        Ok((session, _, _)) => ask(&app, &posted.visitor, session, Change::CreatePass).await,
        Err(response) => response,
    }
}

async fn change_device(app: &App, posted: &Posted, change: fn(String) -> Change) -> Response {
    let (session, _person, phones) = match allowed(app, &posted.visitor).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let wanted = posted.field("device").to_owned();
    if !phones.iter().any(|phone| phone.id == wanted) {
        return Redirect::to("/security-info").into_response();
    }
    ask(app, &posted.visitor, session, change(wanted)).await
}
