//! A ceremony: what is asked for, by which browser, and what came of it.

use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The end of adding a phone.
    #[serde(rename = "confirm_enrolment")]
    ConfirmEnrollment,
    /// After the password.
    SecondFactor,
    /// Instead of the password.
    PhoneSignIn,
    /// Step-up: adding a method.
    AddMethod,
    /// Step-up: taking a method off.
    RemoveMethod,
    /// Step-up: registering the device that is asked.
    RegisterDevice,
    /// Step-up: making a pass for oneself.
    CreatePass,
    /// Step-up: a phone was lost.
    ReportLost,
}

/// Which of a device's keys must sign an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweringKey {
    /// The device key, which asks nobody.
    Device,
    /// The sign-in key, which asks the person each time.
    SignIn,
}

/// How the browser got as far as asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From inside a session.
    SignedIn,
    /// A browser that the account used before.
    KnownBrowser,
    /// An unknown browser, after the right password.
    PasswordProved,
    /// An unknown browser that proved nothing.
    Unknown,
}

/// Whose browser waits: what it must show to learn or use the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// An attempt to sign in, by hashed cookie.
    Attempt(String),
    /// A session, by hashed cookie.
    Session(String),
}

/// How the number is matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Match {
    /// Typed.
    Enter {
        /// How many digits.
        digits: u8,
    },
    /// Picked.
    Choose {
        /// In the order shown.
        options: [String; 3],
    },
}

/// Where the request comes from, as the phone shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Which application is signed in to.
    pub application: String,
    /// Browser.
    pub browser: String,
    /// Operating system.
    pub os: String,
    /// Network address.
    pub address: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The right number.
    Approved,
    /// Denied on the phone.
    Denied,
    /// "It wasn't me."
    Reported,
    /// Another number.
    WrongNumber,
    /// Nobody answered in time.
    Expired,
    /// The same browser started anew.
    Superseded,
    /// Cancelled on the page.
    Cancelled,
    /// The account changed meanwhile.
    Ended,
    /// The phone was not in the browser's network, as the policy wants it.
    RefusedPlace,
}

/// A ceremony.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ceremony {
    /// Its id; never in an address.
    pub id: String,
    /// Whose account.
    pub account_id: String,
    /// Whose browser waits.
    pub owner: Owner,
    /// The browser across attempts, if it is known, hashed.
    pub known_browser: Option<String>,
    /// What is asked for.
    pub kind: Kind,
    /// How the browser got here.
    pub origin: Origin,
    /// The number on the page.
    pub number: String,
    /// How it is matched.
    pub r#match: Match,
    /// The network it was started from.
    pub network: String,
    /// Not pushed, only fetched.
    pub silent: bool,
    /// When it was started.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// What came of it, when something did.
    pub outcome: Option<Outcome>,
    /// When that was.
    pub decided_at: Option<Time>,
    /// The device that decided.
    pub decided_by: Option<String>,
    /// Whether the browser has used the approval.
    pub redeemed: bool,
    /// The session that the approval gave or raised, to end it by a report.
    pub gave_session: Option<String>,
    /// The known browser that the approval gave.
    pub gave_browser: Option<String>,
}

impl Ceremony {
    /// What came of it as of now: an unanswered one expires by itself.
    #[must_use]
    pub fn outcome_at(&self, now: Time) -> Option<Outcome> {
        self.outcome.or((self.expires_at <= now).then_some(Outcome::Expired))
    }

    /// Whether it still waits.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        self.outcome_at(now).is_none()
    }

    /// Numbers that no other ceremony of the account may use.
    pub fn numbers(&self) -> Vec<&str> {
        match &self.r#match {
            Match::Enter { .. } => vec![&self.number],
            Match::Choose { options } => options.iter().map(String::as_str).collect(),
        }
    }
}

/// What a phone is told of its answer (protocol section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerResult {
    /// Approved.
    Approved,
    /// Denied.
    Denied,
    /// Reported.
    Reported,
    /// The ceremony is over.
    WrongNumber,
    /// Too late.
    Expired,
    /// The same browser started anew.
    Superseded,
    /// Ended on the page.
    Cancelled,
    /// Decided before, by other bytes.
    AlreadyAnswered,
    /// Phone and browser are not in the same network.
    RefusedPlace,
}
