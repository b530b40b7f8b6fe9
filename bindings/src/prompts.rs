//! Requests of sign-in services, as a screen shows them.

use countersign::{
    AccountId, Context, Delivery, Origin, Outcome, Place, PromptId, PromptKind, PromptState, Quiet, Timestamp,
    WithdrawalReason,
};

/// Names a prompt: a service's own id is only unique within its account.
#[uniffi::remote(Record)]
pub struct PromptId {
    /// The account that is asked for.
    pub account: AccountId,
    /// The service's id (`jti`).
    pub jti: String,
}

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

/// What is asked for; the words are the app's own.
#[uniffi::remote(Enum)]
pub enum PromptKind {
    /// "Does this phone work?" at the end of adding an account.
    ConfirmEnrollment,
    /// A sign-in after the password.
    SecondFactor,
    /// A sign-in without a password.
    PhoneSignIn,
    /// Adding a method to the account.
    AddMethod,
    /// Taking a method off the account.
    RemoveMethod,
    /// Registering this phone for phone sign-in.
    RegisterDevice,
    /// Making a pass for oneself.
    CreatePass,
    /// Saying that another phone is lost.
    ReportLost,
}

/// How the other side got as far as asking.
#[uniffi::remote(Enum)]
pub enum Origin {
    /// From inside a session.
    SignedIn,
    /// From a browser that this account used before.
    KnownBrowser,
    /// From an unknown browser, after the right password.
    PasswordProved,
    /// From an unknown browser where nothing was proved but a user name.
    Unknown,
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

/// What the service says about the sign-in; claims, cleaned of control characters.
#[uniffi::remote(Record)]
pub struct Context {
    /// The application to be signed in to.
    pub application: String,
    /// The browser's name.
    pub browser: String,
    /// The browser's operating system.
    pub os: String,
    /// The browser's network address.
    pub address: String,
    /// Where that address is, as far as the service knows.
    pub place: Option<Place>,
    /// Whether it is the network of this phone's last contact with the service.
    pub near: Option<bool>,
}

/// A place as city, region and country.
#[uniffi::remote(Record)]
pub struct Place {
    /// City.
    pub city: String,
    /// State, province or county.
    pub region: String,
    /// Country.
    pub country: String,
}

/// Whether a prompt waits for the person or for the service.
#[uniffi::remote(Enum)]
pub enum PromptState {
    /// It waits for the person.
    Open,
    /// The person has answered; the service has not yet said what came of it.
    Answering {
        /// How far the answer has got.
        delivery: Delivery,
    },
    /// The service said what came of it.
    Done {
        /// What came of it.
        outcome: Outcome,
    },
}

/// How far an answer has got on its way to the service. None of it says that the service agrees.
#[uniffi::remote(Enum)]
pub enum Delivery {
    /// It is being sent.
    Sending,
    /// It has not left this phone: the service can't be reached. It is sent again by itself.
    WaitingForNetwork,
    /// It has left this phone, and what the service said of it was lost. It is asked for by itself.
    Sent,
}

/// Why a prompt came without an alert.
#[uniffi::remote(Enum)]
pub enum Quiet {
    /// The person has muted the account.
    Muted {
        /// When that ends, by this phone's clock.
        until: Timestamp,
    },
    /// Another one like it alerted just now.
    JustAsked,
    /// Too many like it were denied, reported or left without an approval.
    TooManyInVain {
        /// When one like it alerts again, by this phone's clock.
        until: Timestamp,
    },
}

/// What the service made of an answer.
#[uniffi::remote(Enum)]
pub enum Outcome {
    /// The sign-in goes on.
    Approved,
    /// The sign-in was turned away.
    Denied,
    /// It was reported as somebody else's; what it gave has ended.
    Reported,
    /// The number was not the one on the page; the request is over.
    WrongNumber,
    /// The answer came too late.
    Expired,
    /// The same browser has started anew since.
    Superseded,
    /// It was cancelled on the page.
    Cancelled,
    /// Another answer had been given before.
    AlreadyAnswered,
    /// Phone and browser must be in the same network, and were not; the request is over.
    RefusedPlace,
}

/// Why a prompt was taken back.
#[uniffi::remote(Enum)]
pub enum WithdrawalReason {
    /// Another phone of the person answered first.
    AnsweredElsewhere,
    /// It was cancelled on the page.
    Cancelled,
    /// The same browser has started anew.
    Superseded,
    /// The account or method it was for has changed, or its time is over.
    Ended,
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
