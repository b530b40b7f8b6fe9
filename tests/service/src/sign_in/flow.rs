//! What a person came to the sign-in pages for. The address of every such page and the action of every form on it
//! carry it, sealed, so that each tab signs in to its own application, however long it was open.
//!
//! A flow is not a credential: it holds what the address of `GET /authorize` held, after it was checked.

use serde::{Deserialize, Serialize};

use crate::config::Client;
use crate::openid::request::AuthorizationRequest;
use crate::secrets::{Sealed, Sealer, SecretError, random_id};

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
    pub fn sealed(&self, sealer: &Sealer) -> Option<String> {
        let plain = serde_json::to_vec(self).ok()?;
        let sealed = sealer.seal(LABEL, &plain).ok()?.into_text();
        (sealed.len() <= MAX).then_some(sealed)
    }

    /// Reads one from an address. A client or return address that is no longer registered makes it unreadable.
    #[must_use]
    pub fn open(sealer: &Sealer, clients: &[Client], text: &str) -> Option<Self> {
        if text.len() > MAX {
            return None;
        }
        let plain = sealer.open(LABEL, &Sealed::from_text(text)).ok()?;
        let flow: Self = serde_json::from_slice(&plain).ok()?;
        let registered = |client: &Client, request: &AuthorizationRequest| {
            client.id == request.client_id && client.redirect_uris.contains(&request.redirect_uri)
        };
        let known = flow.request().is_none_or(|request| clients.iter().any(|one| registered(one, request)));
        // GUARD(flow-registered-address): a_flow_that_is_not_whole_is_refused
        // INSTEAD: Some(flow).filter(|_flow| known || !known)
        known.then_some(flow)
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
