//! One browser's attempt to sign in, and what it has proved.

use serde::{Deserialize, Serialize};

use crate::clock::{MINUTE, Time};
use crate::phone_sign_in::registration::Registration;
use crate::prompts::ceremony::Owner;
use crate::sign_in::flow::Flow;

const ATTEMPT_LIFE: Time = 30 * MINUTE;

/// One browser's attempt to sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// Its cookie, hashed.
    pub id: String,
    /// What its ceremonies belong to; stays when the cookie changes, so that a newer one replaces an older one.
    pub transaction: String,
    /// When it ends.
    pub expires_at: Time,
    /// The name that was typed.
    pub user_name: Option<String>,
    /// Whose password or pass was right.
    pub proven: Option<Proven>,
    /// Whose password was right, and must be changed before it proves anything.
    pub must_change: Option<Proven>,
    /// The ceremony that waits.
    pub ceremony: Option<String>,
    /// What the person came for.
    #[serde(default)]
    pub flow: Flow,
    /// Which device is to be registered, when that is what the person came for.
    pub registration: Option<Registration>,
    /// Whether everything but the person's consent is there to register or add the phone.
    pub may_register: bool,
    /// The page of a browser that proved nothing.
    pub unproven: Option<Unproven>,
}

impl Attempt {
    /// A fresh one.
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
            may_register: false,
            unproven: None,
        }
    }

    /// Whose its ceremonies are.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::Attempt(self.transaction.clone())
    }

    /// What the person is signing in to, as far as it was named.
    #[must_use]
    pub fn for_what(&self) -> Option<&str> {
        match &self.registration {
            Some(registration) => Some(registration.purpose.words()),
            None => self.flow.application(),
        }
    }
}

/// Who somebody has proved to be before a phone was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proven {
    /// Whose account.
    pub account_id: String,
    /// When.
    pub at: Time,
    /// By what.
    pub by: Secret,
    /// When the password was set that was typed: a later one takes the word of this one away.
    #[serde(default)]
    pub password_since: Time,
}

/// What somebody typed to prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// The password.
    Password,
    /// A pass.
    Pass,
}

/// What a browser that proved nothing is shown; the same whether a ceremony lies behind it or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unproven {
    /// The number.
    pub number: String,
    /// When it ends.
    pub ends_at: Time,
}
