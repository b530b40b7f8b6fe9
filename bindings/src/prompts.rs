//! Requests of sign-in services, as a screen shows them.

use countersign::{AccountId, Context, Origin, PromptId, PromptKind, PromptState, Quiet, Timestamp, WithdrawalReason};

/// A verified request of a sign-in service: whatever it shows was signed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Prompt {
    /// Its name, to answer it by.
    pub id: PromptId,
    /// Who asks: the verified sign-in service, as people read it.
    pub host: String,
    /// Whose sign-in it is, as the service claims.
    pub user_name: String,
    /// What is asked for; the words are the app's own.
    pub kind: PromptKind,
    /// Whether approving it needs the person to unlock the sign-in key; denying and reporting never do.
    pub needs_unlock: bool,
    /// How the other side got as far as asking.
    pub origin: Origin,
    /// How the number is matched.
    pub matching: Matching,
    /// From where and for which application.
    pub context: Context,
    /// When it was made, by this phone's clock.
    pub issued_at: Timestamp,
    /// When it ends, by this phone's clock.
    pub expires_at: Timestamp,
    /// Whether it waits for the person or for the service.
    pub state: PromptState,
    /// Why it came without an alert, when it did; it is answered like any other.
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

/// How the number is matched; never holds the right one.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Matching {
    /// The person types the number that the page shows.
    Enter {
        /// How many digits it has: 2 or 3.
        digits: u8,
    },
    /// The person picks the number that the page shows.
    Choose {
        /// Three numbers in the order to be shown.
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

/// What a push meant for the person.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum PushEffect {
    /// A new prompt: show it, and alert the person.
    Alert {
        /// What is asked.
        prompt: Prompt,
    },
    /// A new prompt that must alert nobody (`Prompt.quiet` says why): list it where the person looks.
    Quiet {
        /// What is asked.
        prompt: Prompt,
    },
    /// A prompt was taken back: remove what is shown of it.
    Withdrawn {
        /// Which one.
        id: PromptId,
        /// Why.
        reason: WithdrawalReason,
    },
    /// The test that this phone asked for: show that pushes arrive.
    Test {
        /// On which account.
        account: AccountId,
    },
    /// Nothing to show: known already, not for this phone, or not to be believed.
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
