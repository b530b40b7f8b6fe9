//! What a back end must do: keep rows, in tables, changed in whole transactions.

use crate::clock::Time;
use crate::secrets::SecretError;

/// The database failed; nothing of the transaction was kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own report.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A record does not have the shape of this version.
    #[error("unreadable record")]
    Record(#[from] serde_json::Error),
    /// No randomness.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The work was stopped.
    #[error("stopped")]
    Stopped,
}

/// The kinds of record, each in a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// People, by account id.
    People,
    /// User names, leading to people.
    UserNames,
    /// Browser sessions, by hashed cookie.
    Sessions,
    /// One browser's attempts to sign in, by hashed cookie.
    Attempts,
    /// Browsers an account used before, by hashed cookie.
    KnownBrowsers,
    /// Enrollments.
    Enrollments,
    /// Typed ids, leading to enrollments.
    TypedIds,
    /// Devices and their tombstones.
    Devices,
    /// Ceremonies.
    Ceremonies,
    /// Prompts, one for each device of a ceremony.
    Prompts,
    /// Requests that took effect, by device and `jti`.
    RequestIds,
    /// Authorization codes, hashed.
    Codes,
    /// Access tokens, hashed.
    Tokens,
    /// The audit log.
    Audit,
    /// The service's own keys, sealed.
    Keys,
    /// Pushed requests to register a device, hashed.
    Registrations,
    /// Their codes, hashed.
    RegistrationCodes,
    /// Their tokens, hashed.
    RegistrationTokens,
    /// Every sign-in key there ever was, by thumbprint.
    UsedKeys,
    /// Device keys, leading to devices, by thumbprint.
    DeviceKeys,
    /// Where the numbers of a typed name have come to, by keyed name.
    NumberSequences,
    /// What a phone is told at its next contact.
    Notices,
    /// The organization's policy.
    Policy,
    /// Groups of people.
    Groups,
    /// Tokens of administrators, hashed.
    ApiTokens,
    /// Passes, hashed.
    Passes,
    /// Tokens to add a phone with, hashed.
    PhoneTokens,
    /// What each network may still ask.
    Limits,
    /// Wrong passwords of each typed name, by keyed name.
    PasswordTries,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 29] = [
        Self::People,
        Self::UserNames,
        Self::Sessions,
        Self::Attempts,
        Self::KnownBrowsers,
        Self::Enrollments,
        Self::TypedIds,
        Self::Devices,
        Self::Ceremonies,
        Self::Prompts,
        Self::RequestIds,
        Self::Codes,
        Self::Tokens,
        Self::Audit,
        Self::Keys,
        Self::Registrations,
        Self::RegistrationCodes,
        Self::RegistrationTokens,
        Self::UsedKeys,
        Self::DeviceKeys,
        Self::NumberSequences,
        Self::Notices,
        Self::Policy,
        Self::Groups,
        Self::ApiTokens,
        Self::Passes,
        Self::PhoneTokens,
        Self::Limits,
        Self::PasswordTries,
    ];

    /// Its name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::UserNames => "user_names",
            Self::Sessions => "sessions",
            Self::Attempts => "attempts",
            Self::KnownBrowsers => "known_browsers",
            Self::Enrollments => "enrollments",
            Self::TypedIds => "typed_ids",
            Self::Devices => "devices",
            Self::Ceremonies => "ceremonies",
            Self::Prompts => "prompts",
            Self::RequestIds => "request_ids",
            Self::Codes => "codes",
            Self::Tokens => "tokens",
            Self::Audit => "audit",
            Self::Keys => "keys",
            Self::Registrations => "registrations",
            Self::RegistrationCodes => "registration_codes",
            Self::RegistrationTokens => "registration_tokens",
            Self::UsedKeys => "used_keys",
            Self::DeviceKeys => "device_keys",
            Self::NumberSequences => "number_sequences",
            Self::Notices => "notices",
            Self::Policy => "policy",
            Self::Groups => "groups",
            Self::ApiTokens => "api_tokens",
            Self::Passes => "passes",
            Self::PhoneTokens => "phone_tokens",
            Self::Limits => "limits",
            Self::PasswordTries => "password_tries",
        }
    }
}

/// A row as the back ends see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The record's id.
    pub id: String,
    /// What it is listed by.
    pub parent: String,
    /// When it may be forgotten.
    pub expires_at: Option<Time>,
    /// The record as JSON.
    pub body: String,
}

/// Rows inside one transaction.
pub trait Rows {
    /// The body of a row.
    fn get(&mut self, table: Table, id: &str) -> Result<Option<String>, StoreError>;
    /// Writes a row, whether it is there or not.
    fn put(&mut self, table: Table, row: Row) -> Result<(), StoreError>;
    /// Writes a row that is not there yet; false when it is.
    fn insert(&mut self, table: Table, row: Row) -> Result<bool, StoreError>;
    /// Bodies of the rows of a parent, in the order they were first written.
    fn children(&mut self, table: Table, parent: &str) -> Result<Vec<String>, StoreError>;
    /// Deletes a row; false when there was none.
    fn delete(&mut self, table: Table, id: &str) -> Result<bool, StoreError>;
    /// Deletes the rows whose time is over.
    fn sweep(&mut self, table: Table, now: Time) -> Result<(), StoreError>;
}

/// What a back end does inside a transaction.
pub type Work<'a> = dyn FnMut(&mut dyn Rows) -> Result<(), StoreError> + 'a;

/// What a power cut may take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Nothing that was committed: what somebody was told stays true.
    Surely,
    /// The last commits: counts that nobody was told of, which cost a fortieth of the others this way.
    Probably,
}

/// A database.
pub trait Backend: Send + Sync {
    /// Runs `work` as one transaction: kept whole on `Ok`, not at all on `Err`; every process sees it at once. Blocks.
    fn transact(&self, kept: Kept, work: &mut Work<'_>) -> Result<(), StoreError>;
}
