//! A flow: why a person came to the sign-in pages. The URLs of these pages and of their forms contain the sealed flow.
//! Each tab therefore signs in to its own application, no matter how long the tab was open.
//!
//! A flow is not a credential. It contains the checked parameters of `GET /authorize`.

use serde::{Deserialize, Serialize};

use crate::config::Client;
use crate::openid::request::AuthorizationRequest;
use crate::secrets::{Sealed, Sealer, SecretError, random_id};

const LABEL: &str = "sign-in flow";
/// Maximum length of a sealed flow, in characters: browsers and proxies limit the length of URLs.
const MAX: usize = 8_192;
/// Paths of the pages that belong to a flow. All paths below these paths also belong to a flow.
const PATHS: [&str; 4] = ["/sign-in", "/new-password", "/more-information", "/register-phone"];

/// One visit to the sign-in pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Random id. Two tabs that sign in to the same application are two flows.
    pub id: String,
    /// What the person wants to reach.
    pub goal: Goal,
    /// Message on the user-name page.
    pub note: Option<Note>,
}

/// What a person wants to reach by signing in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// The person's security info.
    #[default]
    SecurityInfo,
    /// An application.
    Application {
        /// The application's authorization request.
        request: AuthorizationRequest,
        /// Whether the person must sign in even if there is a session.
        sign_in_now: bool,
    },
    /// A phone sent the person here. The phone's pushed authorization request is stored only in the attempt, because
    /// the request works once.
    Phone,
}

/// Why the sign-in starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The attempt has expired, or ended in another tab.
    TookTooLong,
    /// The session has expired or was ended.
    SessionEnded,
}

impl Flow {
    /// Creates a flow with a random id.
    pub fn new(goal: Goal) -> Result<Self, SecretError> {
        Ok(Self { id: random_id()?, goal, note: None })
    }

    /// Returns the application's authorization request, if an application sent the person here.
    #[must_use]
    pub fn request(&self) -> Option<&AuthorizationRequest> {
        match &self.goal {
            Goal::Application { request, .. } => Some(request),
            Goal::SecurityInfo | Goal::Phone => None,
        }
    }

    /// Returns the application's name.
    #[must_use]
    pub fn application(&self) -> Option<&str> {
        self.request().map(|request| request.application.as_str())
    }

    /// Seals the flow for a URL. Returns `None` if the sealed flow is too long.
    #[must_use]
    pub fn sealed(&self, sealer: &Sealer) -> Option<String> {
        let plain = serde_json::to_vec(self).ok()?;
        let sealed = sealer.seal(LABEL, &plain).ok()?.into_text();
        (sealed.len() <= MAX).then_some(sealed)
    }

    /// Opens a sealed flow from a URL. Returns `None` if the text is too long or was altered, or if the client or the
    /// redirect URI in the flow is no longer registered.
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
        // GUARD(flow-registered-address): altered_or_unregistered_flow_is_refused
        // INSTEAD: Some(flow).filter(|_flow| known || !known)
        known.then_some(flow)
    }
}

/// Returns the URL of a page or form, with the sealed flow added if the page belongs to a flow.
#[must_use]
pub fn with_flow(path: &str, flow: Option<&str>) -> String {
    let below = |page: &str| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let belongs = PATHS.iter().any(|page| below(page)) && !path.contains('?');
    match flow.filter(|_flow| belongs) {
        Some(flow) => format!("{path}?flow={flow}"),
        None => path.to_owned(),
    }
}
