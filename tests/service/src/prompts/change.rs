//! A change that a person wants to make: what an approval of a step-up allows, exactly.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Time;
use crate::policy::document::TokenScope;
use crate::prompts::kind::Kind;

/// A change, which needs an approval of its own kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Adding a method.
    AddMethod,
    /// Removing the device with this id.
    RemoveMethod(String),
    /// Reporting a device lost.
    ReportLost {
        /// The id of the device.
        device: String,
        /// Since when the phone is missing.
        since: Time,
    },
    /// Creating a pass for oneself.
    CreatePass,
    /// An administrative act.
    Administer(Act),
}

/// An administrative act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Adds a person.
    AddPerson {
        /// The user name.
        user_name: String,
        /// The name shown to people.
        display_name: String,
    },
    /// Deletes the person with this account id.
    DeletePerson(String),
    /// Suspends the person with this account id.
    Suspend(String),
    /// Ends the suspension of the person with this account id.
    Resume(String),
    /// Creates a pass for the person with this account id.
    MakePass(String),
    /// Unblocks the account with this id.
    Unblock(String),
    /// Adds a person to a group, or removes the person from it.
    Member {
        /// The person's account id.
        account: String,
        /// The group's id.
        group: String,
        /// True if the person joins the group, false if the person leaves it.
        joins: bool,
    },
    /// Adds a group with this name.
    AddGroup(String),
    /// Makes the person with this account id an administrator.
    MakeAdministrator(String),
    /// Removes the administrator rights of the person with this account id.
    RemoveAdministrator(String),
    /// Reports a phone of a person lost.
    ReportLost {
        /// The person's account id.
        account: String,
        /// The id of the device.
        device: String,
        /// Since when the phone is missing.
        since: Time,
    },
    /// Removes every phone of the person with this account id, and ends the person's sessions and known browsers.
    Reset(String),
    /// Changes the policy as this document says (see `document::patch`).
    ChangePolicy(Value),
    /// Creates an API token for oneself.
    MakeApiToken {
        /// The name that administrators see in the list of tokens.
        name: String,
        /// What the token allows.
        scope: TokenScope,
    },
}

impl Change {
    /// Returns the kind of approval that the change needs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::AddMethod => Kind::AddMethod,
            Self::RemoveMethod(_) => Kind::RemoveMethod,
            Self::ReportLost { .. } => Kind::ReportLost,
            Self::CreatePass => Kind::CreatePass,
            Self::Administer(act) => act.kind(),
        }
    }

    /// Returns the name of the place where the change is made, which the phone shows.
    #[must_use]
    pub fn place(&self) -> &'static str {
        match self {
            Self::AddMethod | Self::RemoveMethod(_) | Self::ReportLost { .. } | Self::CreatePass => "Security info",
            Self::Administer(_) => "Administration",
        }
    }

    /// Returns the other account that the change concerns, for an administrative act.
    #[must_use]
    pub fn other_account(&self) -> Option<&str> {
        match self {
            Self::AddMethod | Self::RemoveMethod(_) | Self::ReportLost { .. } | Self::CreatePass => None,
            Self::Administer(act) => act.account(),
        }
    }
}

impl Act {
    /// Returns the kind of approval that the act needs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::AddPerson { .. } => Kind::AddPerson,
            Self::DeletePerson(_) => Kind::DeletePerson,
            Self::Suspend(_) => Kind::SuspendPerson,
            Self::Resume(_) => Kind::ResumePerson,
            Self::MakePass(_) => Kind::CreatePassForPerson,
            Self::Unblock(_) => Kind::UnblockPerson,
            Self::Member { .. } | Self::AddGroup(_) => Kind::ChangeGroups,
            Self::MakeAdministrator(_) => Kind::MakeAdministrator,
            Self::RemoveAdministrator(_) => Kind::RemoveAdministrator,
            Self::ReportLost { .. } => Kind::ReportLostForPerson,
            Self::Reset(_) => Kind::ResetPerson,
            Self::ChangePolicy(_) => Kind::ChangePolicy,
            Self::MakeApiToken { .. } => Kind::CreateApiToken,
        }
    }

    /// Returns whether an administrator would lose their own access by this act.
    #[must_use]
    pub fn locks_out(&self, administrator: &str) -> bool {
        let takes_access =
            matches!(self, Self::Suspend(_) | Self::DeletePerson(_) | Self::Reset(_) | Self::RemoveAdministrator(_));
        takes_access && self.account() == Some(administrator)
    }

    /// Returns the account that the act concerns. `None` for an act that concerns no existing account.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::DeletePerson(account)
            | Self::Suspend(account)
            | Self::Resume(account)
            | Self::MakePass(account)
            | Self::Unblock(account)
            | Self::Member { account, .. }
            | Self::MakeAdministrator(account)
            | Self::RemoveAdministrator(account)
            | Self::ReportLost { account, .. }
            | Self::Reset(account) => Some(account),
            Self::AddPerson { .. } | Self::AddGroup(_) | Self::ChangePolicy(_) | Self::MakeApiToken { .. } => None,
        }
    }

    /// Returns whether the act of an administrator gives something to the administrator's own account.
    #[must_use]
    pub fn is_about(&self, administrator: &str) -> bool {
        matches!(self, Self::MakeApiToken { .. }) || self.account() == Some(administrator)
    }
}
