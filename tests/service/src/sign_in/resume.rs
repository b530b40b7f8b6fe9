//! Finds the attempt that a page shows or a form acts on. If there is no attempt, returns another response in place of
//! the page.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::pages::words;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::flow::{Flow, Goal, Note, with_flow};
use crate::visitor::Visitor;

impl Flow {
    /// Redirects to a page of this flow.
    #[must_use]
    pub fn to(&self, app: &App, path: &str) -> Response {
        Redirect::to(&with_flow(path, self.sealed(&app.sealer).as_deref())).into_response()
    }

    /// Redirects to the user-name page, which shows the note.
    #[must_use]
    pub fn restart(self, app: &App, note: Option<Note>) -> Response {
        Self { note, ..self }.to(app, "/sign-in")
    }
}

/// The response in place of the requested page.
pub type Instead = Box<Response>;

/// Returns the attempt that a page shows. If the URL has no flow because it was typed or is a bookmark, the browser is
/// redirected to the same page in the flow of the browser's attempt.
///
/// # Errors
/// The response to return instead: a redirect, or a page that says that the attempt has ended or continues in another
/// tab.
pub fn of_page(app: &App, visitor: &Visitor, path: &str) -> Result<Attempt, Instead> {
    match (&visitor.flow, &visitor.attempt) {
        (None, Some(attempt)) => Err(attempt.flow.to(app, path).into()),
        (None, None) => Err(Redirect::to("/sign-in").into_response().into()),
        (Some(_), _) => of_form(app, visitor),
    }
}

/// Returns the attempt that a form acts on: the browser's attempt, if it has the same flow as the form's page.
///
/// # Errors
/// The response to return instead: a redirect, or a page that says why the form can not be used.
pub fn of_form(app: &App, visitor: &Visitor) -> Result<Attempt, Instead> {
    let Some(flow) = &visitor.flow else {
        return Err(words::foreign_form().show_as(StatusCode::FORBIDDEN, app, Some(visitor)).into());
    };
    match &visitor.attempt {
        // GUARD(tab-flow): each_tab_signs_in_to_its_own_application
        // INSTEAD: Some(attempt) => Ok(attempt.clone()),
        Some(attempt) if attempt.flow.id == flow.id => Ok(attempt.clone()),
        Some(_other) => Err(words::other_tab(flow.application()).show(app, visitor).into()),
        None => Err(over(app, visitor, flow).into()),
    }
}

/// Returns the response for a form whose attempt has ended while the form was processed.
#[must_use]
pub fn gone(app: &App, visitor: &Visitor) -> Response {
    match &visitor.flow {
        Some(flow) => over(app, visitor, flow),
        None => Redirect::to("/sign-in").into_response(),
    }
}

/// Returns the response for an attempt that has expired, or has ended in another tab.
fn over(app: &App, visitor: &Visitor, flow: &Flow) -> Response {
    let signed_in = visitor.session.as_ref().is_some_and(|session| session.approved.is_some());
    match &flow.goal {
        Goal::Phone => words::stale_registration().show(app, visitor),
        Goal::SecurityInfo if signed_in => Redirect::to("/security-info").into_response(),
        Goal::Application { .. } if signed_in => flow.to(app, "/sign-in"),
        Goal::SecurityInfo | Goal::Application { .. } => flow.clone().restart(app, Some(Note::TookTooLong)),
    }
}

/// Redirects to the sign-in page, for a page that needs a session. If the browser had a session that has ended, the
/// sign-in page reports this.
#[must_use]
pub fn sign_in_again(app: &App, visitor: &Visitor) -> Response {
    match Flow::new(Goal::SecurityInfo) {
        Ok(flow) if visitor.has_lost_session() => flow.restart(app, Some(Note::SessionEnded)),
        Ok(_) | Err(_) => Redirect::to("/sign-in").into_response(),
    }
}
