//! Defines accounts and notices as a screen shows them.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::values::fatigue::QuietOrigin;

/// Identifies an account on this phone: 128 random bits in base64url. The core makes it, and never sends it to a
/// service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccountId(pub String);

#[cfg(feature = "uniffi")]
uniffi::custom_newtype!(AccountId, String);

/// An account as a screen shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Account {
    /// Identifies the account in calls of the core.
    pub id: AccountId,
    /// The issuer of the verified sign-in service, `https://host[:port]`.
    pub issuer: String,
    /// The issuer without `https://`, for the screen.
    pub host: String,
    /// The organization's name, as the service claimed when the account was added.
    pub organization: String,
    /// The person's user name at the service, as the service claimed when the account was added.
    pub user_name: String,
    /// Whether the account works, or why it does not.
    pub health: AccountHealth,
    /// Whether phone sign-in (signing in without a password) is on.
    pub phone_sign_in: PhoneSignIn,
    /// When the account was added, by this phone's clock.
    pub added_at: Timestamp,
    /// When the mute that the person set ends, by this phone's clock; absent when the account is not muted.
    pub muted_until: Option<Timestamp>,
    /// The origins whose prompts are quiet at present, because too many prompts of the origin were not approved.
    pub quiet_origins: Vec<QuietOrigin>,
}

/// Whether phone sign-in is on for an account: signing in without a password, approved by the sign-in key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum PhoneSignIn {
    /// Phone sign-in is on.
    On,
    /// Phone sign-in is off, and the policy allows turning it on.
    Off,
    /// The organization's policy does not allow phone sign-in at present. An existing sign-in key is kept, and can be
    /// used again when the policy allows it. Turning phone sign-in off deletes the key.
    NotAllowed,
}

/// Whether an account works, or why it does not. `next_step` returns what the person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum AccountHealth {
    /// The device is bound, and the service waits for the digits.
    Pending,
    /// Everything works.
    Active,
    /// Phone sign-in does not work until the device has a lock again. Second-factor prompts, which follow a password,
    /// still work.
    Paused,
    /// The platform invalidated the sign-in key, because the device's biometrics or lock changed. Second-factor
    /// prompts, which follow a password, still work.
    SignInKeyInvalidated,
    /// The key store no longer has the sign-in key. Second-factor prompts, which follow a password, still work.
    SignInKeyLost,
    /// The key store no longer has the device key, so the account can't answer any prompt.
    DeviceKeyLost,
    /// The organization has suspended the person's sign-in.
    Suspended,
    /// The organization's policy does not allow this app at present.
    LimitedByPolicy,
    /// The service's keys changed without proof (section 6 of the protocol): the service was set up again, or an
    /// attacker poses as the service. Prompts of this account are no longer shown.
    IdentityChanged,
    /// The service speaks a newer protocol than this app.
    UpdateNeeded,
    /// The account was restored from a backup of another device. The keys are not in the backup, so the account can't
    /// answer any prompt.
    RestoredElsewhere,
    /// The service removed this phone from the account.
    RemovedByService {
        /// Why the service removed this phone, from a signed state of the service.
        cause: RemovalCause,
    },
}

/// What the person can do about an account that does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum NextStep {
    /// The account works, so nothing needs to be done.
    Nothing,
    /// Type the digits into the wizard's page that waits for them.
    FinishAdding,
    /// Set a lock in the device's settings.
    SetDeviceLock,
    /// Turn phone sign-in on again.
    TurnOnPhoneSignIn,
    /// Add the account again.
    AddAgain,
    /// Ask the organization's administrator.
    AskAdministrator,
    /// Install the newest version of the app.
    UpdateApp,
}

impl AccountHealth {
    /// Returns what the person can do about an account with this health.
    #[must_use]
    pub fn next_step(self) -> NextStep {
        match self {
            Self::Pending => NextStep::FinishAdding,
            Self::Active => NextStep::Nothing,
            Self::Paused => NextStep::SetDeviceLock,
            Self::SignInKeyInvalidated | Self::SignInKeyLost => NextStep::TurnOnPhoneSignIn,
            Self::DeviceKeyLost | Self::IdentityChanged | Self::RestoredElsewhere | Self::RemovedByService { .. } => {
                NextStep::AddAgain
            }
            Self::Suspended | Self::LimitedByPolicy => NextStep::AskAdministrator,
            Self::UpdateNeeded => NextStep::UpdateApp,
        }
    }
}

/// Why the service removed this phone from an account (section 5 of the protocol). The cause comes from a signed state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum RemovalCause {
    /// The person chose "That's not my phone" in the wizard.
    NotMyPhone,
    /// Wrong digits were entered three times.
    WrongDigits,
    /// The wizard was closed or cancelled.
    Cancelled,
    /// The digits were not entered within the enrollment's ten minutes.
    Expired,
    /// The person abandoned the enrollment on this phone while the service waited for the digits.
    Abandoned,
    /// The person removed the account on this phone.
    RemovedByPhone,
    /// The person removed this phone on the service's security-info page.
    RemovedByPerson,
    /// An administrator of the service removed this phone.
    RemovedByOperator,
    /// This phone was reported as lost.
    Lost,
}

/// Reports a change of an account. The service sends the notice to each phone of the account, until the person
/// dismisses it on that phone. The app shows the notice so that the person can notice a change that an attacker made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Notice {
    /// The service's id of the notice, for `dismiss_notice`.
    pub id: String,
    /// The account that changed.
    pub account: AccountId,
    /// What changed.
    pub kind: NoticeKind,
    /// When the change happened, by this phone's clock.
    pub at: Timestamp,
}

/// What a notice reports (section 5 of the protocol). Kinds that this version does not know are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A phone was added.
    MethodAdded,
    /// A phone was removed.
    MethodRemoved,
    /// Another phone turned phone sign-in on.
    PhoneSignInOn,
    /// Another phone turned phone sign-in off.
    PhoneSignInOff,
    /// A phone was reported as lost.
    PhoneLost,
    /// A pass was created for this account.
    PassCreated,
    /// A browser that was not known before has signed in to the account.
    NewBrowser,
}
