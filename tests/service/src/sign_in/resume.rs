//! Where a browser stands on the sign-in pages: the attempt that a page shows or a form acts on, and what is shown
//! instead when there is none.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::App;
use crate::pages::words;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::flow::{Flow, Goal, Note, with_flow};
use crate::visitor::Visitor;

impl Flow {
    /// Leads to a page of this flow.
    #[must_use]
    pub fn to(&self, app: &App, path: &str) -> Response {
        Redirect::to(&with_flow(path, self.sealed(&app.sealer).as_deref())).into_response()
    }

    /// Starts again at the user name, which says why.
    #[must_use]
    pub fn restart(self, app: &App, note: Option<Note>) -> Response {
        Self { note, ..self }.to(app, "/sign-in")
    }
}

/// What a browser is shown in place of what it asked for.
pub type Instead = Box<Response>;

/// The attempt that a page shows. An address without a flow (typed, or an old bookmark) is given that of the attempt.
///
/// # Errors
/// The page that says what to do when the browser is in another attempt, or in none any more.
pub fn of_page(app: &App, visitor: &Visitor, path: &str) -> Result<Attempt, Instead> {
    match (&visitor.flow, &visitor.attempt) {
        (None, Some(attempt)) => Err(attempt.flow.to(app, path).into()),
        (None, None) => Err(Redirect::to("/sign-in").into_response().into()),
        (Some(_), _) => of_form(app, visitor),
    }
}

/// The attempt that a form acts on: the browser's own, if the form's page belongs to it.
///
/// # Errors
/// The page that says what to do when the browser is in another attempt, or in none any more.
pub fn of_form(app: &App, visitor: &Visitor) -> Result<Attempt, Instead> {
    let Some(flow) = &visitor.flow else {
        return Err(words::foreign_form().show_as(StatusCode::FORBIDDEN, app, Some(visitor)).into());
    };
    match &visitor.attempt {
        // GUARD(tab-flow): the_form_of_each_tab_signs_in_to_its_own_application
        // INSTEAD: Some(attempt) => Ok(attempt.clone()),
        Some(attempt) if attempt.flow.id == flow.id => Ok(attempt.clone()),
        Some(_other) => Err(words::other_tab(flow.application()).show(app, visitor).into()),
        None => Err(over(app, visitor, flow).into()),
    }
}

/// The attempt has run out, or has come to its end in another tab.
fn over(app: &App, visitor: &Visitor, flow: &Flow) -> Response {
    let signed_in = visitor.session.as_ref().is_some_and(|session| session.approved_at.is_some());
    match &flow.goal {
        Goal::Phone => words::stale_registration().show(app, visitor),
        Goal::SecurityInfo if signed_in => Redirect::to("/security-info").into_response(),
        Goal::Application { .. } if signed_in => flow.to(app, "/sign-in"),
        Goal::SecurityInfo | Goal::Application { .. } => flow.clone().restart(app, Some(Note::TookTooLong)),
    }
}

/// For a page that needs a session: the sign-in page, which says so when there was one.
#[must_use]
pub fn sign_in_again(app: &App, visitor: &Visitor) -> Response {
    match Flow::new(Goal::SecurityInfo) {
        Ok(flow) if visitor.has_lost_session() => flow.restart(app, Some(Note::SessionEnded)),
        Ok(_) | Err(_) => Redirect::to("/sign-in").into_response(),
    }
}
