//! What a person came to the sign-in pages for. The address of every such page and the action of every form on it
//! carry it, sealed, so that each tab signs in to its own application, however long it was open.
//!
//! A flow is not a credential: it holds what the address of `GET /authorize` held, after it was checked.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::config::Client;
use crate::openid::records::AuthorizationRequest;
use crate::pages::words;
use crate::secrets::{Sealed, SecretError, random_id};
use crate::session::Visitor;
use crate::sign_in::records::Attempt;

const LABEL: &str = "sign-in flow";
/// Longest sealed flow, in characters: it stands in addresses, whose length browsers and proxies limit.
const MAX: usize = 8_192;
/// Pages that belong to a flow.
const PATHS: [&str; 4] = ["/sign-in", "/new-password", "/more-information", "/register-phone"];

/// One visit to the sign-in pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Its own id: two tabs that sign in to one application are two flows.
    pub id: String,
    /// What for.
    pub goal: Goal,
    /// What the user-name page says first.
    pub note: Option<Note>,
}

/// What a person came for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Their own security info.
    #[default]
    SecurityInfo,
    /// An application.
    Application {
        /// What it asked for.
        request: AuthorizationRequest,
        /// Whether a session that is there already is not enough.
        sign_in_now: bool,
    },
    /// A phone that sent them here; what it asked for stands in the attempt alone, since it counts once.
    Phone,
}

/// Why a page starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The page was open for longer than a sign-in may take, or its sign-in has ended in another tab.
    TookTooLong,
    /// The session has run out, or was ended.
    SessionEnded,
}

impl Flow {
    /// A fresh one.
    pub fn new(goal: Goal) -> Result<Self, SecretError> {
        Ok(Self { id: random_id()?, goal, note: None })
    }

    /// The application's request.
    #[must_use]
    pub fn request(&self) -> Option<&AuthorizationRequest> {
        match &self.goal {
            Goal::Application { request, .. } => Some(request),
            Goal::SecurityInfo | Goal::Phone => None,
        }
    }

    /// The application's name.
    #[must_use]
    pub fn application(&self) -> Option<&str> {
        self.request().map(|request| request.application.as_str())
    }

    /// As it stands in addresses; none when it is too long for one.
    #[must_use]
    pub fn sealed(&self, app: &App) -> Option<String> {
        let plain = serde_json::to_vec(self).ok()?;
        let sealed = app.sealer.seal(LABEL, &plain).ok()?.into_text();
        (sealed.len() <= MAX).then_some(sealed)
    }

    /// Reads one from an address. A client or return address that is no longer registered makes it unreadable.
    #[must_use]
    pub fn open(app: &App, text: &str) -> Option<Self> {
        if text.len() > MAX {
            return None;
        }
        let plain = app.sealer.open(LABEL, &Sealed::from_text(text)).ok()?;
        let flow: Self = serde_json::from_slice(&plain).ok()?;
        let registered = |client: &Client, request: &AuthorizationRequest| {
            client.id == request.client_id && client.redirect_uris.contains(&request.redirect_uri)
        };
        let known = flow.request().is_none_or(|request| app.config.clients.iter().any(|one| registered(one, request)));
        known.then_some(flow)
    }

    /// Leads to a page of this flow.
    #[must_use]
    pub fn to(&self, app: &App, path: &str) -> Response {
        Redirect::to(&with_flow(path, self.sealed(app).as_deref())).into_response()
    }

    /// Starts again at the user name, which says why.
    #[must_use]
    pub fn restart(self, app: &App, note: Option<Note>) -> Response {
        Self { note, ..self }.to(app, "/sign-in")
    }
}

/// The address of a page or form, with the flow where it belongs to one.
#[must_use]
pub fn with_flow(path: &str, flow: Option<&str>) -> String {
    let below = |page: &str| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let belongs = PATHS.iter().any(|page| below(page)) && !path.contains('?');
    match flow.filter(|_flow| belongs) {
        Some(flow) => format!("{path}?flow={flow}"),
        None => path.to_owned(),
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
