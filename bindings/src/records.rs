//! What a screen shows beside prompts, as plain records, and what it hands in.

use std::path::PathBuf;
use std::sync::Arc;

use countersign::{Account, AccountHealth, AccountId, NextStep, Notice, OtherCode, Step};

use crate::error::CountersignError;
use crate::prompts::Prompt;

/// Where the authenticator keeps its things.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Folders {
    /// Private to the app: the database.
    pub home: String,
    /// Shared with the notification extension, where there is one (`Inbox`); else any folder of the app.
    pub inbox: String,
}

impl From<Folders> for countersign::Folders {
    fn from(folders: Folders) -> Self {
        Self { home: PathBuf::from(folders.home), inbox: PathBuf::from(folders.inbox) }
    }
}

/// An invitation to an account, not yet looked up.
#[derive(uniffi::Object)]
pub struct Invite(pub(crate) countersign::Invite);

#[uniffi::export]
impl Invite {
    /// The service that the code names; nothing is verified yet.
    pub fn issuer(&self) -> String {
        self.0.issuer().as_str().to_owned()
    }
}

/// What a code turned out to be.
#[derive(uniffi::Enum)]
pub enum Scanned {
    /// An invitation to an account.
    Invited {
        /// To look it up.
        invite: Arc<Invite>,
    },
    /// Something else, so that the app can say what.
    Other {
        /// What it looks like.
        kind: OtherCode,
    },
}

impl From<countersign::Scanned> for Scanned {
    fn from(scanned: countersign::Scanned) -> Self {
        match scanned {
            countersign::Scanned::Invite(invite) => Self::Invited { invite: Arc::new(Invite(invite)) },
            countersign::Scanned::Other(kind) => Self::Other { kind },
        }
    }
}

/// What the person can do about an account's health.
#[uniffi::export]
pub fn next_step(health: AccountHealth) -> NextStep {
    health.next_step()
}

/// Everything a screen shows, at one moment.
#[derive(uniffi::Record)]
pub struct Snapshot {
    /// Rises with every change; hand it to `changed_since`.
    pub revision: u64,
    /// Oldest first; pending ones are among `pending`.
    pub accounts: Vec<Account>,
    /// Prompts that wait for the person or the service, or whose outcome came in the last minute; oldest first.
    pub prompts: Vec<Prompt>,
    /// Acts that can go on or be given up.
    pub pending: Vec<Step>,
    /// What happened to the accounts and was not dismissed, newest first.
    pub notices: Vec<Notice>,
}

impl From<countersign::Snapshot> for Snapshot {
    fn from(snapshot: countersign::Snapshot) -> Self {
        Self {
            revision: snapshot.revision,
            accounts: snapshot.accounts,
            prompts: snapshot.prompts.iter().map(Prompt::from).collect(),
            pending: snapshot.pending,
            notices: snapshot.notices,
        }
    }
}

/// What "check for requests" found.
#[derive(uniffi::Record)]
pub struct Checked {
    /// Every prompt that waits for the person.
    pub prompts: Vec<Prompt>,
    /// Accounts whose service could not be asked.
    pub unreachable: Vec<Unreachable>,
}

/// An account whose service could not be asked, and why.
#[derive(uniffi::Record)]
pub struct Unreachable {
    /// Which one.
    pub account: AccountId,
    /// Why.
    pub cause: CountersignError,
}

impl From<countersign::Checked> for Checked {
    fn from(checked: countersign::Checked) -> Self {
        let unreachable = checked.unreachable.into_iter();
        Self {
            prompts: checked.prompts.iter().map(Prompt::from).collect(),
            unreachable: unreachable.map(|(account, error)| Unreachable { account, cause: error.into() }).collect(),
        }
    }
}
