//! Handles step-up: each change of the account needs its own approval on a phone. An approval of one kind of change
//! does not allow another kind.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::acts::{Changed, redeem};
use super::routes::{allowed, list, update_session};
use crate::app::App;
use crate::events;
use crate::pages::failed;
use crate::pages::words;
use crate::posted::Posted;
use crate::prompts::acts::{self, NotStarted, Only, Wanted};
use crate::prompts::ceremony::{Ceremony, Origin, Outcome, Owner};
use crate::sign_in::resume::sign_in_again;
use crate::sign_in::session::{Change, Session};
use crate::sign_in::waiting::context;
use crate::store::StoreError;
use crate::verdict::Verdict;
use crate::visitor::Visitor;

const NUMBER: &str = "/security-info/step-up";

/// Asks the phones to approve a change. The caller must have checked with `allowed` that the session may see the
/// account.
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
        Ok(Verdict::Granted(ceremony)) => {
            let waits = move |session: &mut Session| {
                (session.ceremony, session.change) = (Some(ceremony.id.clone()), Some(change.clone()));
            };
            match update_session(app, &session, waits).await {
                Ok(_updated) => Redirect::to(NUMBER).into_response(),
                Err(error) => failed(app, &error),
            }
        }
        Ok(Verdict::Refused(NotStarted::NoPhone | NotStarted::PasswordChanged)) => {
            words::not_changed(&change, words::no_phone_for(&change)).show(app, visitor)
        }
        Ok(Verdict::Refused(NotStarted::Refused(_))) => {
            words::not_changed(&change, "There were too many requests. Try again in an hour.").show(app, visitor)
        }
        Err(error) => failed(app, &error),
    }
}

/// Returns which phones are asked to approve a change.
#[must_use]
pub fn asked_of(change: &Change) -> Only {
    match change {
        Change::AddMethod | Change::RemoveMethod(_) | Change::CreatePass => Only::All,
        // A lost phone must not approve the report that it is lost.
        Change::ReportLost(device) => Only::Others(device.clone()),
    }
}

/// Returns the ceremony that the session waits for.
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

/// `POST /security-info/step-up/finish`: makes the approved change, once.
pub async fn finish(State(app): State<App>, posted: Posted) -> Response {
    let Some(session) = posted.visitor.session.clone() else {
        return sign_in_again(&app, &posted.visitor);
    };
    let now = posted.visitor.now;
    let changed = app.store.global(move |tx| redeem(tx, &session, now)).await;
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
    events::until(&app.store, move || {
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

/// `POST /security-info/pass`: asks the phones to approve a pass, with which the person can add a new phone.
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
