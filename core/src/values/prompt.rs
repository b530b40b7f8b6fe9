//! Defines prompts as a screen shows them, and the results of answers and pushes.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::values::account::AccountId;
use crate::values::fatigue::Quiet;
use crate::values::origin::Origin;

/// Identifies a prompt on this phone. The service's id of a prompt is unique only within one account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PromptId {
    /// The account to which the prompt was sent.
    pub account: AccountId,
    /// The service's id of the prompt (`jti`): 128 bits in base64url.
    pub jti: String,
}

/// A verified prompt of a sign-in service.
///
/// Only verification creates this type. The service's keys have signed the id, kind, key, origin, number matching,
/// context and times. The core adds the rest.
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
    /// Returns the prompt's id, for `approve`, `deny`, `report` and `delivery`.
    #[must_use]
    pub fn id(&self) -> &PromptId {
        &self.id
    }

    /// Returns the verified sign-in service that asks: host, and port when there is one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the user name of the prompt's account, as the service claimed when the account was added.
    #[must_use]
    pub fn user_name(&self) -> &str {
        &self.user_name
    }

    /// Returns what the service asks for.
    #[must_use]
    pub fn kind(&self) -> PromptKind {
        self.kind
    }

    /// Returns whether an approval needs the person to unlock the sign-in key. Denying and reporting never need that.
    #[must_use]
    pub fn needs_unlock(&self) -> bool {
        match self.key {
            AnsweringKey::Device => false,
            AnsweringKey::SignIn => true,
        }
    }

    /// Returns what the browser behind the prompt has proved.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns how the person enters the number that the page shows.
    #[must_use]
    pub fn matching(&self) -> &Matching {
        &self.matching
    }

    /// Returns the browser, the application and the place, as the service claims.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns when the service made the prompt, converted to this phone's clock.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Returns when the prompt expires, by this phone's clock: at most five minutes after `issued_at`.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns whether the prompt waits for the person, waits for the service, or is done.
    #[must_use]
    pub fn state(&self) -> PromptState {
        self.state
    }

    /// Returns why the prompt came without an alert; `None` when it alerted, or when it was fetched because the person
    /// opened the app. A quiet prompt is answered like any other.
    #[must_use]
    pub fn quiet(&self) -> Option<Quiet> {
        self.quiet
    }
}

/// What a prompt asks for (section 7 of the protocol).
///
/// The app chooses the text, so that a service can't phrase a misleading question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum PromptKind {
    /// Confirms, at the end of adding an account, that prompts reach this phone.
    #[serde(rename = "confirm_enrolment")]
    ConfirmEnrollment,
    /// Approves a sign-in after the password.
    SecondFactor,
    /// Approves a sign-in without a password.
    PhoneSignIn,
    /// Approves adding a method to the account, for example another phone.
    AddMethod,
    /// Approves removing a method from the account.
    RemoveMethod,
    /// Approves registering this phone for phone sign-in.
    RegisterDevice,
    /// Approves creating a pass for the person's own account.
    CreatePass,
    /// Approves reporting another phone as lost.
    ReportLost,
    /// Approves adding the person that `Context.about` names. This and all further kinds are administrative acts:
    /// section 12 of the protocol.
    AddPerson,
    /// Approves deleting the person.
    DeletePerson,
    /// Approves suspending the person, who then can't sign in.
    SuspendPerson,
    /// Approves ending the suspension of the person.
    ResumePerson,
    /// Approves creating a pass for the person.
    CreatePassForPerson,
    /// Approves clearing the wrong numbers of the person.
    UnblockPerson,
    /// Approves a change of groups. `Context.about` names the person whose groups change, or the group.
    ChangeGroups,
    /// Approves making the person an administrator.
    MakeAdministrator,
    /// Approves that the person is no longer an administrator.
    RemoveAdministrator,
    /// Approves reporting a phone of the person as lost.
    ReportLostForPerson,
    /// Approves removing every sign-in method of the person.
    ResetPerson,
    /// Approves changing the organization's policy.
    ChangePolicy,
    /// Approves creating a token with which a program acts as an administrator. `Context.about` is the token's name.
    CreateApiToken,
}

impl PromptKind {
    /// Returns whether an approval of this kind allows an administrative act (section 12 of the protocol).
    pub(crate) fn is_administrative_act(self) -> bool {
        match self {
            Self::AddPerson
            | Self::DeletePerson
            | Self::SuspendPerson
            | Self::ResumePerson
            | Self::CreatePassForPerson
            | Self::UnblockPerson
            | Self::ChangeGroups
            | Self::MakeAdministrator
            | Self::RemoveAdministrator
            | Self::ReportLostForPerson
            | Self::ResetPerson
            | Self::ChangePolicy
            | Self::CreateApiToken => true,
            Self::ConfirmEnrollment
            | Self::SecondFactor
            | Self::PhoneSignIn
            | Self::AddMethod
            | Self::RemoveMethod
            | Self::RegisterDevice
            | Self::CreatePass
            | Self::ReportLost => false,
        }
    }
}

/// How the number is matched. This does not say which number is right: only the page shows the right number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matching {
    /// The person types the number that the page shows.
    Enter {
        /// How many digits the number has: 2 or 3.
        digits: u8,
    },
    /// The person picks the number that the page shows.
    Choose {
        /// Three different numbers of two ASCII digits each, in the order to show them.
        options: [String; 3],
    },
}

impl Matching {
    /// Returns whether a number has the requested form. A typed number must have the requested count of ASCII digits,
    /// whatever language the phone is set to. A picked number must be one of the options.
    #[cfg(feature = "authenticator")]
    pub(crate) fn fits(&self, number: &str) -> bool {
        match self {
            Self::Enter { digits } => {
                number.len() == usize::from(*digits)
                    // GUARD(ascii-digits): kinds_match_exactly_and_numbers_are_ascii_digits
                    && number.bytes().all(|byte| byte.is_ascii_digit())
            }
            Self::Choose { options } => options.iter().any(|option| option == number),
        }
    }
}

/// What the service claims about the browser that waits. Control and direction characters are removed, and each text
/// has at most 128 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Context {
    /// The name of the application to which the person signs in.
    pub application: String,
    /// The browser's name, for example "Firefox".
    pub browser: String,
    /// The operating system of the browser, for example "Windows".
    pub os: String,
    /// The IP address of the browser, as the service saw it.
    pub address: String,
    /// Where the IP address is; absent when the service does not know.
    pub place: Option<Place>,
    /// `true`: the browser is in the network from which this phone last contacted the service. `false`: the browser is
    /// in another network, and the organization wants the app to warn the person. Absent: show nothing.
    pub near: Option<bool>,
    /// Whom or what an administrative act concerns: a user name, a group's name or a token's name. Show this text in
    /// the question. Empty for `ChangePolicy`; absent for every kind that is not an administrative act.
    pub about: Option<String>,
}

/// Where an IP address is, as the service claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Place {
    /// The name of the city.
    pub city: String,
    /// The state, province or county.
    pub region: String,
    /// The name of the country.
    pub country: String,
}

/// The state of a prompt on this phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum PromptState {
    /// The prompt waits for the person's answer.
    Open,
    /// The person has answered, and the service has not confirmed the outcome. Don't show "approved" yet.
    Answering {
        /// The delivery state of the answer.
        delivery: Delivery,
    },
    /// The service has reported the outcome in a signed state.
    Done {
        /// The outcome.
        outcome: Outcome,
    },
}

/// The delivery state of an answer or a report. In each of these states, the service has not yet confirmed the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Delivery {
    /// The message is being sent.
    Sending,
    /// The message has not left this phone, because the service can't be reached. The core retries automatically.
    WaitingForNetwork,
    /// The message may have reached the service, but no reply came. The core sends the same answer again automatically
    /// to get the outcome.
    Sent,
}

/// The result of an answer, as the service reports it in a signed state (section 7 of the protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The service accepted the approval.
    Approved,
    /// The service accepted the denial.
    Denied,
    /// The service accepted the report, and ended the session, tokens and known browser that an approval gave.
    Reported,
    /// The number was not the one on the page; the prompt has ended.
    WrongNumber,
    /// The answer came after the prompt expired.
    Expired,
    /// The answer came too late: the same browser had already started a newer sign-in or account change, and this had
    /// ended the prompt.
    Superseded,
    /// The answer came after the person had cancelled the prompt on the page.
    Cancelled,
    /// Another answer was given before, perhaps on another phone.
    AlreadyAnswered,
    /// The organization requires phone and browser in the same network, and they were not; the prompt has ended.
    RefusedPlace,
}

/// Why the service withdrew a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalReason {
    /// Another phone of the person answered first.
    AnsweredElsewhere,
    /// The person cancelled the prompt on the page.
    Cancelled,
    /// The same browser has started a newer sign-in or change, which replaced the prompt.
    Superseded,
    /// The account or the method that the prompt was about has changed, or the prompt expired.
    Ended,
}

impl PushEffect {
    /// Returns the effect of a new prompt: `Quiet` when the prompt has a reason to be quiet, else `Alert`.
    pub(crate) fn new_prompt(prompt: Box<Prompt>) -> Self {
        if prompt.quiet.is_some() { Self::Quiet(prompt) } else { Self::Alert(prompt) }
    }
}

/// What the app shows after a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushEffect {
    /// A new prompt: show it, and alert the person.
    Alert(Box<Prompt>),
    /// A new prompt that must not alert (`Prompt::quiet` says why): list it, without a notification.
    Quiet(Box<Prompt>),
    /// The service withdrew a prompt: remove its notification and its screen.
    Withdrawn(PromptId, WithdrawalReason),
    /// The test push that this phone requested for this account: show that pushes arrive.
    Test(AccountId),
    /// Nothing to show, for example for a repeated push, a push for another phone, or a push that could not be
    /// verified.
    Nothing,
}

/// Which key must sign an approval (`key` of section 7). The service chooses it; `verify` checks it against the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AnsweringKey {
    /// The device key, which needs no user verification.
    Device,
    /// The sign-in key, which needs user verification at each use.
    SignIn,
}
