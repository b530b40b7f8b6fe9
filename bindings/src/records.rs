//! Defines the records of the bindings, except prompts.

use std::path::PathBuf;
use std::sync::Arc;

use countersign::{Account, AccountHealth, AccountId, NextStep, Notice, OtherCode, Step};

use crate::error::CountersignError;
use crate::prompts::Prompt;

/// The folders of the authenticator, as paths. The app chooses them.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Folders {
    /// The folder of the database. It must be private to the app.
    pub home: String,
    /// The folder that app and notification extension (`Inbox`) share. If the app has no extension, use any folder of
    /// the app except `home`.
    pub inbox: String,
}

impl From<Folders> for countersign::Folders {
    fn from(folders: Folders) -> Self {
        Self { home: PathBuf::from(folders.home), inbox: PathBuf::from(folders.inbox) }
    }
}

/// An invite that was read from a code, not yet looked up. It contains the code's secret, which is never shown or
/// logged.
#[derive(uniffi::Object)]
pub struct Invite(pub(crate) countersign::Invite);

#[uniffi::export]
impl Invite {
    /// Returns the issuer that the code names, `https://host[:port]`. Nothing about this service is verified yet.
    pub fn issuer(&self) -> String {
        self.0.issuer().as_str().to_owned()
    }
}

/// The result of reading a code.
#[derive(uniffi::Enum)]
pub enum Scanned {
    /// An invite of this protocol.
    Invited {
        /// Pass it to `look_up`.
        invite: Arc<Invite>,
    },
    /// A code that is not an invite. Show the person what kind of code it is.
    Other {
        /// The kind of the code, judged by its text alone.
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

/// Returns what the person can do about an account's health.
#[uniffi::export]
pub fn next_step(health: AccountHealth) -> NextStep {
    health.next_step()
}

/// Everything that a screen shows, read in one transaction.
#[derive(uniffi::Record)]
pub struct Snapshot {
    /// The revision of this snapshot, which increases with every change; pass it to `changed_since`.
    pub revision: u64,
    /// The accounts, oldest first. Accounts that are still being added are in `pending`.
    pub accounts: Vec<Account>,
    /// Prompts that wait for the person or the service, or whose outcome came in the last minute; oldest first.
    pub prompts: Vec<Prompt>,
    /// The unfinished acts, which can be continued or abandoned.
    pub pending: Vec<Step>,
    /// The notices that were not dismissed, newest first.
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

/// The result of `check_for_prompts`.
#[derive(uniffi::Record)]
pub struct Checked {
    /// Every prompt that waits for the person.
    pub prompts: Vec<Prompt>,
    /// The accounts whose prompts could not be fetched, for example because the service can't be reached.
    pub unreachable: Vec<Unreachable>,
}

/// An account whose prompts could not be fetched.
#[derive(uniffi::Record)]
pub struct Unreachable {
    /// The account.
    pub account: AccountId,
    /// Why the prompts could not be fetched.
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
