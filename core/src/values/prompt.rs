//! A prompt as the person sees it, and what may become of it.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::values::account::AccountId;
use crate::values::fatigue::Quiet;
use crate::values::origin::Origin;

/// Names a prompt: a service's own id is only unique within its account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PromptId {
    /// The account that is asked for.
    pub account: AccountId,
    /// The service's id (`jti`).
    pub jti: String,
}

/// A verified request of a sign-in service; made only by verification, so whatever it shows was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub(crate) id: PromptId,
    pub(crate) host: String,
    pub(crate) user_name: String,
    pub(crate) kind: PromptKind,
    pub(crate) key: AnsweringKey,
    pub(crate) origin: Origin,
    pub(crate) matching: Matching,
    pub(crate) context: Context,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) state: PromptState,
    pub(crate) quiet: Option<Quiet>,
}

impl Prompt {
    /// Its name, to answer it by.
    #[must_use]
    pub fn id(&self) -> &PromptId {
        &self.id
    }

    /// Who asks: the verified sign-in service, as people read it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whose sign-in it is, as the service claims.
    #[must_use]
    pub fn user_name(&self) -> &str {
        &self.user_name
    }

    /// What is asked for.
    #[must_use]
    pub fn kind(&self) -> PromptKind {
        self.kind
    }

    /// Whether approving it needs the person to unlock the sign-in key; denying and reporting never do.
    #[must_use]
    pub fn needs_unlock(&self) -> bool {
        match self.key {
            AnsweringKey::Device => false,
            AnsweringKey::SignIn => true,
        }
    }

    /// How the other side got as far as asking.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// How the number is matched.
    #[must_use]
    pub fn matching(&self) -> &Matching {
        &self.matching
    }

    /// From where and for which application.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// When it was made, by this phone's clock.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// When it ends, by this phone's clock.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether it waits for the person or for the service.
    #[must_use]
    pub fn state(&self) -> PromptState {
        self.state
    }

    /// Why it came without an alert, when it did; it is answered like any other.
    #[must_use]
    pub fn quiet(&self) -> Option<Quiet> {
        self.quiet
    }
}

/// What is asked for; the words are the app's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum PromptKind {
    /// "Does this phone work?" at the end of adding an account.
    #[serde(rename = "confirm_enrolment")]
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

/// How the number is matched; never holds the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matching {
    /// The person types the number that the page shows.
    Enter {
        /// How many digits it has: 2 or 3.
        digits: u8,
    },
    /// The person picks the number that the page shows.
    Choose {
        /// Three numbers in the order to be shown.
        options: [String; 3],
    },
}

impl Matching {
    /// Whether `number` has the form asked for: only ASCII digits, whatever the phone's language.
    #[cfg(feature = "authenticator")]
    pub(crate) fn fits(&self, number: &str) -> bool {
        match self {
            Self::Enter { digits } => {
                number.len() == usize::from(*digits)
                    // GUARD(ascii-digits): a_kind_is_its_exact_letters_and_a_number_is_ascii_digits
                    && number.bytes().all(|byte| byte.is_ascii_digit())
            }
            Self::Choose { options } => options.iter().any(|option| option == number),
        }
    }
}

/// What the service says about the sign-in; claims, cleaned of control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
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
    /// Whether it is the network of this phone's last contact with the service. `false` is a warning that the
    /// organization wants the person to see; without a value nothing follows from it.
    pub near: Option<bool>,
}

/// A place as city, region and country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Place {
    /// City.
    pub city: String,
    /// State, province or county.
    pub region: String,
    /// Country.
    pub country: String,
}

/// Whether a prompt waits for the person or for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Delivery {
    /// It is being sent.
    Sending,
    /// It has not left this phone: the service can't be reached. It is sent again by itself.
    WaitingForNetwork,
    /// It has left this phone, and what the service said of it was lost. It is asked for by itself.
    Sent,
}

/// What the service made of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
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

impl PushEffect {
    /// A new prompt, as loud as it came.
    pub(crate) fn new_prompt(prompt: Box<Prompt>) -> Self {
        if prompt.quiet.is_some() { Self::Quiet(prompt) } else { Self::Alert(prompt) }
    }
}

/// What a push meant for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushEffect {
    /// A new prompt: show it, and alert the person.
    Alert(Box<Prompt>),
    /// A new prompt that must alert nobody (`Prompt::quiet` says why): list it where the person looks.
    Quiet(Box<Prompt>),
    /// A prompt was taken back: remove what is shown of it.
    Withdrawn(PromptId, WithdrawalReason),
    /// The test that this phone asked for on an account: show that pushes arrive.
    Test(AccountId),
    /// Nothing to show: known already, not for this phone, or not to be believed.
    Nothing,
}

/// Who must sign an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AnsweringKey {
    /// The device key, which asks nobody.
    Device,
    /// The sign-in key, which asks the person each time.
    SignIn,
}
