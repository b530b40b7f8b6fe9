//! What the person is shown of an account.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::values::fatigue::QuietOrigin;

/// Names an account on this phone; made here, never sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccountId(pub String);

#[cfg(feature = "uniffi")]
uniffi::custom_newtype!(AccountId, String);

/// An account as the person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Account {
    /// This phone's name for it.
    pub id: AccountId,
    /// The sign-in service, verified: `https://host[:port]`.
    pub issuer: String,
    /// The part of the issuer that people read.
    pub host: String,
    /// The organization, as the service claims.
    pub organization: String,
    /// The person's user name there, as the service claims.
    pub user_name: String,
    /// Whether it works, and if not, why.
    pub health: AccountHealth,
    /// Whether it signs in without a password.
    pub phone_sign_in: PhoneSignIn,
    /// When it was added, by this phone's clock.
    pub added_at: Timestamp,
    /// Until when the person has muted it: its prompts come, and alert nobody.
    pub muted_until: Option<Timestamp>,
    /// The origins that come without an alert, since too many of their prompts were in vain.
    pub quiet_origins: Vec<QuietOrigin>,
}

/// Whether an account signs in without a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum PhoneSignIn {
    /// It does.
    On,
    /// It does not, and may be turned on.
    Off,
    /// It does not, since the organization does not allow it; a key that it was turned on with waits until it does, or
    /// until it is turned off.
    NotAllowed,
}

/// Whether an account works, and if not, why; `next_step` says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum AccountHealth {
    /// Added, and the service still waits for the digits.
    Pending,
    /// Everything works.
    Active,
    /// Phone sign-in rests until the device has a lock again; requests after a password still work.
    Paused,
    /// The sign-in key ended because the device's biometrics or lock changed; requests after a password still work.
    SignInKeyInvalidated,
    /// The key store no longer has the sign-in key; requests after a password still work.
    SignInKeyLost,
    /// The key store no longer has the device key: the account can't answer anything.
    DeviceKeyLost,
    /// The organization has suspended the person's sign-in.
    Suspended,
    /// The organization's policy does not allow this app at present.
    LimitedByPolicy,
    /// The service's keys changed in a way that nothing vouches for.
    IdentityChanged,
    /// The service speaks a newer protocol than this app.
    UpdateNeeded,
    /// It was restored from another device, whose keys stayed there: it can't answer anything here.
    RestoredElsewhere,
    /// The service took this phone off the account.
    RemovedByService {
        /// Why.
        cause: RemovalCause,
    },
}

/// What helps an account that does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum NextStep {
    /// Nothing is needed.
    Nothing,
    /// Type the digits into the page that waits for them.
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
    /// What the person can do about it.
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

/// Why the service took this phone off an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum RemovalCause {
    /// "That's not my phone" was chosen in the wizard.
    NotMyPhone,
    /// Wrong digits three times.
    WrongDigits,
    /// The wizard was closed or cancelled.
    Cancelled,
    /// The ten minutes were over.
    Expired,
    /// This phone gave it up while it waited.
    Abandoned,
    /// This phone removed itself.
    RemovedByPhone,
    /// The person removed it on the security-info page.
    RemovedByPerson,
    /// An operator removed it.
    RemovedByOperator,
    /// It was reported as lost.
    Lost,
}

/// Something that happened to an account, told to each of its phones until it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Notice {
    /// Names it, to dismiss it.
    pub id: String,
    /// On which account.
    pub account: AccountId,
    /// What happened.
    pub kind: NoticeKind,
    /// When, by this phone's clock.
    pub at: Timestamp,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A phone was added.
    MethodAdded,
    /// A phone was removed.
    MethodRemoved,
    /// Phone sign-in was turned on, on another phone.
    PhoneSignInOn,
    /// Phone sign-in was turned off, on another phone.
    PhoneSignInOff,
    /// A phone was reported as lost.
    PhoneLost,
    /// A pass was made for this account.
    PassCreated,
    /// A browser that this account never used has signed in.
    NewBrowser,
}
