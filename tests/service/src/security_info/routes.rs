//! The list of methods, and removing one.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::devices::records::{self as devices, Cause, Device};
use crate::enrollment::records::{Enrollment, State as Stage};
use crate::events;
use crate::openid::routes::go_back;
use crate::pages::words;
use crate::people::Person;
use crate::prompts::acts::{self, NotStarted, Wanted};
use crate::prompts::records::{Ceremony, Kind as PromptKind, Origin, Outcome, Owner};
use crate::session::{Posted, Visitor, failed};
use crate::sign_in::records::{Session, keep_session};
use crate::sign_in::routes::{ask_before, context};
use crate::store::StoreError;

/// A session that may see the account: approved by number, or by password while there is no phone.
pub(super) async fn allowed(app: &App, visitor: &Visitor) -> Result<(Session, Person, Vec<Device>), Response> {
    let Some(session) = visitor.session.clone() else {
        return Err(Redirect::to("/sign-in").into_response());
    };
    let (account, own) = (session.account_id.clone(), session.enrollment.clone());
    let found = app
        .store
        .run(move |tx| {
            let own = match own {
                Some(id) => tx.get::<Enrollment>(&id)?,
                None => None,
            };
            let added_here = own.is_some_and(|enrollment| enrollment.state == Stage::Active);
            Ok((tx.get::<Person>(&account)?, devices::active(tx, &account)?, added_here))
        })
        .await
        .map_err(|error| failed(app, &error))?;
    match found {
        // The session that has just added the first phone goes on to confirm it; one that only began to does not.
        (Some(person), phones, added_here) if phones.is_empty() || session.approved_at.is_some() || added_here => {
            Ok((session, person, phones))
        }
        _ => Err(Redirect::to("/sign-in").into_response()),
    }
}

/// `GET /security-info`.
pub async fn security_info(State(app): State<App>, visitor: Visitor) -> Response {
    match allowed(&app, &visitor).await {
        Ok((session, person, phones)) => {
            let page =
                words::security_info(&person.display_name, &phones, visitor.now, session.request.is_some(), None);
            page.show(&app, &visitor)
        }
        Err(response) => response,
    }
}

/// `POST /security-info/continue`: back to the application that started it all.
pub async fn go_on(State(app): State<App>, posted: Posted) -> Response {
    let Some(mut session) = posted.visitor.session.clone() else {
        return Redirect::to("/sign-in").into_response();
    };
    let Some(request) = session.request.take() else {
        return Redirect::to("/security-info").into_response();
    };
    if session.approved_at.is_none() {
        // A password alone never opens an application.
        return ask_before(&app, posted.visitor, &session, request).await;
    }
    let kept = session.clone();
    match app.store.run(move |tx| keep_session(tx, &kept)).await {
        Ok(()) => go_back(&app, session, request).await,
        Err(error) => failed(&app, &error),
    }
}

/// `POST /security-info/remove`.
pub async fn remove(State(app): State<App>, posted: Posted) -> Response {
    let (session, _person, phones) = match allowed(&app, &posted.visitor).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let wanted = posted.field("device").to_owned();
    if !phones.iter().any(|phone| phone.id == wanted) {
        return Redirect::to("/security-info").into_response();
    }
    if session.is_fresh(posted.visitor.now) {
        return remove_now(&app, &posted.visitor, session, wanted).await;
    }
    ask_first(&app, &posted.visitor, session, wanted).await
}

async fn ask_first(app: &App, visitor: &Visitor, session: Session, device: String) -> Response {
    let wanted = Wanted {
        account_id: session.account_id.clone(),
        owner: Owner::Session(session.id.clone()),
        known_browser: None,
        kind: PromptKind::RemoveMethod,
        origin: Origin::SignedIn,
        context: context(visitor, "Security info"),
        network: visitor.peer.network(),
        only: None,
    };
    match acts::start(app, wanted).await {
        Ok(Ok(ceremony)) => {
            let session = Session { ceremony: Some(ceremony.id), removing: Some(device), ..session };
            match app.store.run(move |tx| keep_session(tx, &session)).await {
                Ok(()) => Redirect::to("/security-info/remove").into_response(),
                Err(error) => failed(app, &error),
            }
        }
        Ok(Err(why)) => match why {
            NotStarted::NoPhone => words::not_removed("No phone can approve this now.").show(app, visitor),
            NotStarted::Refused(_) => {
                words::not_removed("There were too many requests. Try again in an hour.").show(app, visitor)
            }
        },
        Err(error) => failed(app, &error),
    }
}

async fn remove_now(app: &App, visitor: &Visitor, session: Session, device_id: String) -> Response {
    let (now, account) = (visitor.now, session.account_id.clone());
    let left = app
        .store
        .run(move |tx| {
            // Looked at again inside the transaction: it must still be this account's own.
            if let Some(mut device) = tx.get::<Device>(&device_id)?.filter(|device| device.account_id == account) {
                devices::remove(tx, &mut device, Cause::RemovedByPerson, now)?;
            }
            keep_session(tx, &Session { removing: None, ceremony: None, ..session })?;
            Ok((tx.get::<Person>(&account)?, devices::active(tx, &account)?))
        })
        .await;
    match left {
        Ok((person, phones)) => {
            let name = person.map(|person| person.display_name).unwrap_or_default();
            words::security_info(&name, &phones, now, false, Some(words::REMOVED)).show(app, visitor)
        }
        Err(error) => failed(app, &error),
    }
}

/// The ceremony that a session waits for.
pub(super) async fn waiting(app: &App, session: &Session) -> Result<Option<Ceremony>, StoreError> {
    match &session.ceremony {
        Some(id) => acts::look(app, id.clone(), Owner::Session(session.id.clone())).await,
        None => Ok(None),
    }
}

/// `GET /security-info/remove`.
pub async fn remove_number(State(app): State<App>, visitor: Visitor) -> Response {
    let Some(session) = &visitor.session else {
        return Redirect::to("/sign-in").into_response();
    };
    match waiting(&app, session).await {
        Ok(Some(ceremony)) => match ceremony.outcome_at(visitor.now) {
            None => words::remove_number(&ceremony, visitor.now).show(&app, &visitor),
            Some(_) if ceremony.is_redeemable(visitor.now) => {
                words::remove_number(&ceremony, visitor.now).show(&app, &visitor)
            }
            Some(Outcome::Approved) => words::not_removed(words::not_approved(Outcome::Expired)).show(&app, &visitor),
            Some(outcome) => words::not_removed(words::not_approved(outcome)).show(&app, &visitor),
        },
        Ok(None) => Redirect::to("/security-info").into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /security-info/remove/finish`.
pub async fn finish_remove(State(app): State<App>, posted: Posted) -> Response {
    let Some(session) = posted.visitor.session.clone() else {
        return Redirect::to("/sign-in").into_response();
    };
    let (Some(ceremony), Some(device)) = (session.ceremony.clone(), session.removing.clone()) else {
        return Redirect::to("/security-info").into_response();
    };
    let (now, owner) = (posted.visitor.now, Owner::Session(session.id.clone()));
    let redeemed = app.store.run(move |tx| acts::redeem(tx, &ceremony, &owner, PromptKind::RemoveMethod, now)).await;
    match redeemed {
        Ok(Some(_approved)) => {
            let session = Session { approved_at: Some(now), ..session };
            remove_now(&app, &posted.visitor, session, device).await
        }
        Ok(None) => Redirect::to("/security-info/remove").into_response(),
        Err(error) => failed(&app, &error),
    }
}

/// `POST /security-info/remove/cancel`.
pub async fn cancel_remove(State(app): State<App>, posted: Posted) -> Response {
    if let Some(session) = posted.visitor.session
        && let Some(id) = session.ceremony
        && let Err(error) = acts::cancel(&app, id, Owner::Session(session.id)).await
    {
        return failed(&app, &error);
    }
    Redirect::to("/security-info").into_response()
}

/// `GET /security-info/remove/events`.
pub async fn remove_events(State(app): State<App>, visitor: Visitor) -> Response {
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
