//! Defines prompts as a screen shows them.

use countersign::{AccountId, Context, Origin, PromptId, PromptKind, PromptState, Quiet, Timestamp, WithdrawalReason};

/// A prompt of a sign-in service, verified with the service's keys.
///
/// The service's claims (names, application, place) are free of control and direction characters.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Prompt {
    /// Identifies the prompt in `approve`, `deny`, `report` and `delivery`.
    pub id: PromptId,
    /// The verified sign-in service that asks: host, and port when there is one.
    pub host: String,
    /// The user name of the prompt's account, as the service claimed when the account was added.
    pub user_name: String,
    /// What the service asks for. The app chooses the text, so that a service can't phrase a misleading question.
    pub kind: PromptKind,
    /// Whether an approval needs the person to unlock the sign-in key. Denying and reporting never need that.
    pub needs_unlock: bool,
    /// What the browser behind the prompt has proved. Show a warning for `Unknown`.
    pub origin: Origin,
    /// How the person enters the number that the page shows.
    pub matching: Matching,
    /// The browser, the application and the place, as the service claims.
    pub context: Context,
    /// When the service made the prompt, by this phone's clock.
    pub issued_at: Timestamp,
    /// When the prompt expires, by this phone's clock: at most five minutes after `issued_at`.
    pub expires_at: Timestamp,
    /// Whether the prompt waits for the person, waits for the service, or is done.
    pub state: PromptState,
    /// Why the prompt came without an alert; absent when it alerted, or when it was fetched because the person opened
    /// the app. A quiet prompt is answered like any other.
    pub quiet: Option<Quiet>,
}

impl From<&countersign::Prompt> for Prompt {
    fn from(prompt: &countersign::Prompt) -> Self {
        Self {
            id: prompt.id().clone(),
            host: prompt.host().to_owned(),
            user_name: prompt.user_name().to_owned(),
            kind: prompt.kind(),
            needs_unlock: prompt.needs_unlock(),
            origin: prompt.origin(),
            matching: prompt.matching().into(),
            context: prompt.context().clone(),
            issued_at: prompt.issued_at(),
            expires_at: prompt.expires_at(),
            state: prompt.state(),
            quiet: prompt.quiet(),
        }
    }
}

/// How the number is matched. This does not say which number is right: only the page shows the right number.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Matching {
    /// The person types the number that the page shows.
    Enter {
        /// How many digits the number has: 2 or 3.
        digits: u8,
    },
    /// The person picks the number that the page shows.
    Choose {
        /// Three different numbers of two ASCII digits each; show them in this order.
        options: Vec<String>,
    },
}

impl From<&countersign::Matching> for Matching {
    fn from(matching: &countersign::Matching) -> Self {
        match matching {
            countersign::Matching::Enter { digits } => Self::Enter { digits: *digits },
            countersign::Matching::Choose { options } => Self::Choose { options: options.to_vec() },
        }
    }
}

/// What the app shows after a push.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum PushEffect {
    /// A new prompt: show it, and alert the person.
    Alert {
        /// The new prompt.
        prompt: Prompt,
    },
    /// A new prompt that must not alert (`Prompt.quiet` says why): list it, without a notification.
    Quiet {
        /// The new prompt.
        prompt: Prompt,
    },
    /// The service withdrew a prompt: remove its notification and its screen.
    Withdrawn {
        /// The withdrawn prompt.
        id: PromptId,
        /// Why the service withdrew it.
        reason: WithdrawalReason,
    },
    /// The test push that `test_push` asked for: show that pushes arrive.
    Test {
        /// The account that was tested.
        account: AccountId,
    },
    /// Nothing to show, for example for a repeated push, a push for another phone, or a push that could not be
    /// verified.
    Nothing,
}

impl From<countersign::PushEffect> for PushEffect {
    fn from(effect: countersign::PushEffect) -> Self {
        match effect {
            countersign::PushEffect::Alert(prompt) => Self::Alert { prompt: prompt.as_ref().into() },
            countersign::PushEffect::Quiet(prompt) => Self::Quiet { prompt: prompt.as_ref().into() },
            countersign::PushEffect::Withdrawn(id, reason) => Self::Withdrawn { id, reason },
            countersign::PushEffect::Test(account) => Self::Test { account },
            countersign::PushEffect::Nothing => Self::Nothing,
        }
    }
}
