//! Decides who may use the administrator's pages.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::clock::Time;
use crate::pages::failed;
use crate::pages::words;
use crate::people::person::Person;
use crate::sign_in::resume::sign_in_again;
use crate::sign_in::session::Session;
use crate::store::{StoreError, Tx};
use crate::visitor::Visitor;

/// Returns the administrator who uses this browser, if they approved the session on a phone and are not suspended.
/// Called in every transaction of an administrator's page. `session`: the id of the browser's session, which is read
/// again here because it may have ended.
fn administrator(tx: &mut Tx<'_>, session: Option<&str>, now: Time) -> Result<Option<Person>, StoreError> {
    let session = match session {
        Some(id) => tx.get::<Session>(id)?.filter(|session| session.expires_at > now),
        None => None,
    };
    // GUARD(administrator-by-phone): j1_w4_admin_pages_need_an_approved_administrator_session
    // INSTEAD: let Some(session) = session else {
    let Some(session) = session.filter(|session| session.used.has_phone()) else {
        return Ok(None);
    };
    // GUARD(administrator-only): j1_w4_admin_pages_need_an_approved_administrator_session
    // INSTEAD: Ok(tx.get::<Person>(&session.account_id)?.filter(|person| !person.suspended))
    Ok(tx.get::<Person>(&session.account_id)?.filter(|person| person.is_administrator && !person.suspended))
}

/// Returns the response to a visitor whom [`administrator`] did not accept: the sign-in page, the page where a phone
/// can be added, or a refusal.
fn refusal_page(app: &App, visitor: &Visitor) -> Response {
    match &visitor.session {
        None => sign_in_again(app, visitor),
        Some(session) if !session.used.has_phone() => Redirect::to("/security-info").into_response(),
        Some(_) => words::no_administrator().show_as(StatusCode::FORBIDDEN, app, Some(visitor)),
    }
}

/// Runs `work` in one transaction if [`administrator`] accepts the visitor. Otherwise returns the [`refusal_page`].
pub(super) async fn allowed<T, F>(app: &App, visitor: Visitor, work: F) -> Result<(Visitor, T), Response>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>, &Person) -> Result<T, StoreError> + Send + 'static,
{
    let (session, now) = (visitor.session.as_ref().map(|session| session.id.clone()), visitor.now);
    let done = app
        .store
        .global(move |tx| match administrator(tx, session.as_deref(), now)? {
            Some(person) => Ok(Some(work(tx, &person)?)),
            None => Ok(None),
        })
        .await;
    match done {
        Ok(Some(value)) => Ok((visitor, value)),
        Ok(None) => Err(refusal_page(app, &visitor)),
        Err(error) => Err(failed(app, &error)),
    }
}
