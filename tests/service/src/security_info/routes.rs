//! Serves the page with the list of sign-in methods.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::devices::device::Device;
use crate::devices::records as devices;
use crate::enrollment::state::{Enrollment, State as Stage};
use crate::openid::answer::leave_with_code;
use crate::pages::failed;
use crate::pages::words;
use crate::people::person::Person;
use crate::posted::Posted;
use crate::sign_in::resume::sign_in_again;
use crate::sign_in::routes::ask_before;
use crate::sign_in::session::Session;
use crate::store::{Gone, StoreError, Tx};
use crate::verdict::Verdict;
use crate::visitor::Visitor;

/// Returns three values if the session may see the account: the session, the person and the phones. The session may see
/// the account if one of these is true:
///
/// - A phone approved something in the session.
/// - The session started with a pass in the last ten minutes.
/// - The session's wizard added a phone.
/// - The account has no phone.
///
/// Otherwise, returns a redirect to the sign-in page.
pub(super) async fn allowed(app: &App, visitor: &Visitor) -> Result<(Session, Person, Vec<Device>), Response> {
    let Some(session) = visitor.session.clone() else {
        return Err(sign_in_again(app, visitor));
    };
    let (account, own) = (session.account_id.clone(), session.enrollment.clone());
    let found = app
        .store
        .global(move |tx| {
            let own = match &own {
                Some(id) => tx.get::<Enrollment>(id)?,
                None => None,
            };
            let added_here = own.is_some_and(|enrollment| enrollment.state == Stage::Active);
            Ok((tx.get::<Person>(&account)?, devices::active(tx, &account)?, added_here))
        })
        .await
        .map_err(|error| failed(app, &error))?;
    match found {
        // A session by password alone loses access when the account gets its first phone. The session whose wizard
        // added this phone keeps access (`added_here`), because its wizard continues with the confirmation page.
        (Some(person), phones, added_here)
            if phones.is_empty()
                || session.approved.is_some()
                || added_here
                || session.is_by_fresh_pass(visitor.now) =>
        {
            Ok((session, person, phones))
        }
        _ => Err(sign_in_again(app, visitor)),
    }
}

/// Changes the stored session, unless it has ended in the meantime.
pub(super) async fn update_session(
    app: &App,
    session: &Session,
    change: impl Fn(&mut Session) + Send + 'static,
) -> Result<Verdict<(), Gone>, StoreError> {
    let id = session.id.clone();
    app.store.in_account(&session.account_id, move |tx| tx.update(&id, &change)).await
}

/// `GET /security-info`.
pub async fn security_info(State(app): State<App>, visitor: Visitor) -> Response {
    list(&app, &visitor, None).await
}

/// Shows the list of methods, with a message about the last change.
pub(super) async fn list(app: &App, visitor: &Visitor, news: Option<&str>) -> Response {
    match allowed(app, visitor).await {
        Ok((session, person, phones)) => {
            let (has_request, now) = (session.request.is_some(), visitor.now);
            let removed = move |tx: &mut Tx<'_>| devices::removed_lately(tx, &session.account_id, now);
            match app.store.in_account(&person.account_id, removed).await {
                Ok(removed) => {
                    words::security_info(&person, &phones, &removed, now, has_request, news).show(app, visitor)
                }
                Err(error) => failed(app, &error),
            }
        }
        Err(response) => response,
    }
}

/// `POST /security-info/continue`: returns to the application that sent the person here.
pub async fn return_to_application(State(app): State<App>, posted: Posted) -> Response {
    let Some(session) = posted.visitor.session.clone() else {
        return sign_in_again(&app, &posted.visitor);
    };
    let Some(request) = session.request.clone() else {
        return Redirect::to("/security-info").into_response();
    };
    if session.approved.is_none() {
        // A password or a pass alone never opens an application.
        return ask_before(&app, posted.visitor, &session, request).await;
    }
    match update_session(&app, &session, |session| session.request = None).await {
        Ok(Verdict::Granted(())) => leave_with_code(&app, &posted.visitor, session, request).await,
        Ok(Verdict::Refused(Gone)) => sign_in_again(&app, &posted.visitor),
        Err(error) => failed(&app, &error),
    }
}
