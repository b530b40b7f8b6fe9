//! One browser's attempt to sign in, and what the browser has proved.

use serde::{Deserialize, Serialize};

use crate::clock::{MINUTE, Time};
use crate::phone_sign_in::registration::Registration;
use crate::prompts::ceremony::Owner;
use crate::provenance::Given;
use crate::sign_in::flow::Flow;

const ATTEMPT_LIFE: Time = 30 * MINUTE;

/// One browser's attempt to sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// SHA-256 of the attempt's cookie.
    pub id: String,
    /// Identifies the owner of the attempt's ceremonies. A new ceremony replaces the older one of the same owner.
    /// Therefore this value, unlike `id`, stays the same when the cookie changes.
    pub transaction: String,
    /// When the attempt expires.
    pub expires_at: Time,
    /// The user name that was typed.
    pub user_name: Option<String>,
    /// The proof by password or pass. `None` if the person has given no proof, or only the proof `must_change`.
    pub proven: Option<Proven>,
    /// The proof by a password that must be changed before the proof counts.
    pub must_change: Option<Proven>,
    /// Id of the attempt's current ceremony. If the browser proved nothing, this is set even when there is no
    /// ceremony, so that the browser can't tell the difference.
    pub ceremony: Option<String>,
    /// Why the person came to the sign-in pages.
    #[serde(default)]
    pub flow: Flow,
    /// The registration, if a phone sent the person here.
    pub registration: Option<Registration>,
    /// What the number page shows, if the browser proved nothing.
    pub unproven: Option<Unproven>,
}

impl Attempt {
    /// Creates an empty attempt.
    #[must_use]
    pub fn new(id: String, now: Time) -> Self {
        Self {
            transaction: id.clone(),
            id,
            expires_at: now + ATTEMPT_LIFE,
            user_name: None,
            proven: None,
            must_change: None,
            ceremony: None,
            flow: Flow::default(),
            registration: None,
            unproven: None,
        }
    }

    /// Returns the owner of the attempt's ceremonies.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::Attempt(self.transaction.clone())
    }

    /// Returns what the sign-in is for: the purpose of the registration, or the application's name. `None` if the
    /// person signs in to the security info.
    #[must_use]
    pub fn for_what(&self) -> Option<&str> {
        match &self.registration {
            Some(registration) => Some(registration.purpose.words()),
            None => self.flow.application(),
        }
    }
}

/// A proof of the person's identity by password or pass.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proven {
    /// The person's account.
    pub account_id: String,
    /// The password or the pass that was typed, and when.
    pub given: Given,
}

/// What the number page shows to a browser that proved nothing. The page is the same whether a ceremony exists or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unproven {
    /// The number on the page.
    pub number: String,
    /// When the page stops showing the number.
    pub ends_at: Time,
}
