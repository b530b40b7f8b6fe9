//! What a person is asked to approve.

use serde::{Deserialize, Serialize};

use crate::features::Feature;

/// What the person is asked to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The wizard's check that prompts arrive at the new phone.
    #[serde(rename = "confirm_enrolment")]
    ConfirmEnrollment,
    /// A sign-in, after the password or a pass.
    SecondFactor,
    /// A sign-in without a password.
    PhoneSignIn,
    /// Adding a method. The person starts this on the security-info page (step-up), or in the app on the new phone.
    AddMethod,
    /// Step-up: removing a method.
    RemoveMethod,
    /// Registering a device for phone sign-in. Only this device gets the prompt.
    RegisterDevice,
    /// Step-up: creating a pass for oneself.
    CreatePass,
    /// Step-up: reporting another phone lost.
    ReportLost,
    /// Administrative act: adding a person.
    AddPerson,
    /// Administrative act: deleting a person.
    DeletePerson,
    /// Administrative act: suspending a person.
    SuspendPerson,
    /// Administrative act: ending the suspension of a person.
    ResumePerson,
    /// Administrative act: creating a pass for a person.
    CreatePassForPerson,
    /// Administrative act: clearing the wrong numbers of a person.
    UnblockPerson,
    /// Administrative act: changing a person's groups, or a group.
    ChangeGroups,
    /// Administrative act: making a person an administrator.
    MakeAdministrator,
    /// Administrative act: removing the administrator rights of a person.
    RemoveAdministrator,
    /// Administrative act: reporting a phone of a person lost.
    ReportLostForPerson,
    /// Administrative act: removing every sign-in method of a person.
    ResetPerson,
    /// Administrative act: changing the policy.
    ChangePolicy,
    /// Administrative act: creating a token with which a program acts as an administrator.
    CreateApiToken,
}

impl Kind {
    /// Returns the feature that a phone must know to get a prompt of this kind. `None` for the kinds that every phone
    /// knows.
    #[must_use]
    pub fn feature(self) -> Option<Feature> {
        match self {
            Self::ConfirmEnrollment
            | Self::SecondFactor
            | Self::PhoneSignIn
            | Self::AddMethod
            | Self::RemoveMethod
            | Self::RegisterDevice
            | Self::CreatePass
            | Self::ReportLost => None,
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
            | Self::CreateApiToken => Some(Feature::Administration),
        }
    }
}
