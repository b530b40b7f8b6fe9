//! A ceremony: one question to the person, the browser that waits for the answer, and the outcome.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::prompts::change::Change;
use crate::provenance::{ApprovedBy, Given};

pub use crate::prompts::kind::Kind;

/// Which of a device's keys must sign an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweringKey {
    /// The device key, which requires no user verification.
    Device,
    /// The sign-in key, which requires user verification each time.
    SignIn,
}

/// How much the browser has proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The browser has a session.
    SignedIn,
    /// A known browser of the account.
    KnownBrowser,
    /// An unknown browser, after the right password or a pass.
    PasswordProved,
    /// An unknown browser that proved nothing.
    Unknown,
}

/// The browser that waits for the answer. Only this browser can read or use the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// An attempt to sign in, identified by its transaction id.
    Attempt(String),
    /// A session, identified by its hashed cookie.
    Session(String),
}

/// How the number is matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Match {
    /// The person types the number.
    Enter {
        /// Number of digits.
        digits: u8,
    },
    /// The person chooses the number out of three numbers.
    Choose {
        /// The numbers in the order shown.
        options: [String; 3],
    },
}

/// What the phone shows about the browser that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The application that the person signs in to. Empty if the policy hides it.
    pub application: String,
    /// Browser name.
    pub browser: String,
    /// Operating system.
    pub os: String,
    /// IP address.
    pub address: String,
    /// Whom or what an administrative act concerns: a user name, a group's name, a token's name, or an empty text for
    /// `ChangePolicy`. `None` for every other kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// How a ceremony ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Approved with the right number.
    Approved,
    /// Denied on the phone.
    Denied,
    /// Reported: "It wasn't me".
    Reported,
    /// Approved with a wrong number.
    WrongNumber,
    /// Not answered in time.
    Expired,
    /// Replaced by a newer ceremony of the same browser.
    Superseded,
    /// Cancelled on the page.
    Cancelled,
    /// Ended by a change of the account or the policy.
    Ended,
    /// Approved by a phone on another network than the browser's, although the policy requires the same network.
    RefusedPlace,
}

/// A ceremony, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ceremony {
    /// Random id. It is never part of a URL.
    pub id: String,
    /// The account that is asked.
    pub account_id: String,
    /// The browser that waits.
    pub owner: Owner,
    /// Record id of the browser that waits, if it is a known browser. All attempts in this browser have the same id.
    pub known_browser: Option<String>,
    /// What the person is asked to approve.
    pub kind: Kind,
    /// How much the browser has proved.
    pub origin: Origin,
    /// The number on the page.
    pub number: String,
    /// How the number is matched.
    pub r#match: Match,
    /// The browser's network.
    pub network: String,
    /// Whether the prompts are quiet: the service does not push them, and phones get them only by a fetch.
    #[serde(rename = "silent")]
    pub quiet: bool,
    /// When the ceremony was started.
    pub created_at: Time,
    /// When the ceremony expires.
    pub expires_at: Time,
    /// How the ceremony ended. `None` while it waits for an answer, and after it expired without an answer.
    pub outcome: Option<Outcome>,
    /// When the outcome was decided.
    pub decided_at: Option<Time>,
    /// Id of the device that decided. `None` if no device decided.
    pub decided_by: Option<String>,
    /// Whether the approval can no longer be redeemed: the browser has redeemed it, or the device that approved was
    /// removed.
    pub redeemed: bool,
    /// The change that the approval allows, for a step-up.
    #[serde(default)]
    pub change: Option<Change>,
    /// For an administrative act: the approvals without which the person would be no administrator.
    #[serde(default)]
    pub standing: Vec<ApprovedBy>,
    /// For an administrative act: the account of the person whom it added.
    #[serde(default)]
    pub added: Option<String>,
}

impl Ceremony {
    /// Returns the outcome at the given time. A ceremony without an answer expires by itself.
    #[must_use]
    pub fn outcome_at(&self, now: Time) -> Option<Outcome> {
        self.outcome.or((self.expires_at <= now).then_some(Outcome::Expired))
    }

    /// Returns the provenance of a grant that the approval of this ceremony gives at `at`. `None` if no device has
    /// decided.
    #[must_use]
    pub fn gives(&self, at: Time) -> Option<Given> {
        let (ceremony, device) = (self.id.clone(), self.decided_by.clone()?);
        Some(Given::by_approval(
            ApprovedBy { ceremony, device, at: self.decided_at?, administers: false, acted_at: None },
            at,
        ))
    }

    /// Returns the provenance of what the approved administrative act gives at `at`.
    #[must_use]
    pub fn gives_as_administrator(&self, at: Time) -> Option<Given> {
        self.gives(at).map(|given| self.as_administrator(given))
    }

    /// Adds the approvals behind the administrator to the provenance of what the act gives.
    #[must_use]
    pub fn as_administrator(&self, given: Given) -> Given {
        // GUARD(own-acts-fall): administrative_acts_on_the_own_account_fall_at_any_age
        // INSTEAD: let is_own = false;
        let is_own = matches!(&self.change, Some(Change::Administer(act)) if act.is_about(&self.account_id));
        match is_own {
            true => given.as_administrator_to_self(&self.account_id, &self.standing),
            false => given.as_administrator(&self.account_id, &self.standing),
        }
    }

    /// Returns whether the ceremony still waits for an answer.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        self.outcome_at(now).is_none()
    }

    /// Returns all numbers that the prompts of this ceremony show or accept. For ten minutes after the start, no other
    /// ceremony of the account gets one of these numbers.
    pub fn numbers(&self) -> Vec<&str> {
        match &self.r#match {
            Match::Enter { .. } => vec![&self.number],
            Match::Choose { options } => options.iter().map(String::as_str).collect(),
        }
    }
}

/// The result that a phone gets for its answer (protocol section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerResult {
    /// Approved.
    Approved,
    /// Denied.
    Denied,
    /// Reported.
    Reported,
    /// The number was wrong, which ended the ceremony.
    WrongNumber,
    /// The answer came too late.
    Expired,
    /// A newer ceremony of the same browser replaced this one.
    Superseded,
    /// The ceremony was cancelled on the page, or ended by a change of the account or the policy.
    Cancelled,
    /// Another answer had already decided the ceremony.
    AlreadyAnswered,
    /// Phone and browser are not on the same network.
    RefusedPlace,
}
