//! The contract of a database back end: it stores rows in tables, and changes them only in transactions.

use crate::clock::Time;
use crate::secrets::SecretError;

/// A transaction failed, and none of its changes was stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite reported an error.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A record does not have the format of this version of the service.
    #[error("unreadable record")]
    Record(#[from] serde_json::Error),
    /// There is no randomness, or a sealed value can't be opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A new record has the id of an existing record.
    #[error("a record with this id exists")]
    Taken,
    /// A transaction on one account tried to use a record of another account.
    #[error("the record belongs to another account")]
    OtherAccount,
    /// A newer version of the service has changed the database. This version can't read it.
    #[error("the database belongs to a newer version of the service")]
    Newer,
    /// The transaction can't continue, for one of these reasons: its task has stopped; a record or a key that must exist
    /// is missing or invalid.
    #[error("the transaction could not continue")]
    Stopped,
}

/// The kinds of records. Each kind has its own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// People, by account id.
    People,
    /// User names, with the account id of each.
    UserNames,
    /// Browser sessions, by hashed cookie.
    Sessions,
    /// Attempts, by hashed cookie.
    Attempts,
    /// Known browsers, by the hash of account id and cookie.
    KnownBrowsers,
    /// Enrollments.
    Enrollments,
    /// The ids in typed codes, with the enrollment of each.
    TypedIds,
    /// Devices and their tombstones.
    Devices,
    /// Ceremonies.
    Ceremonies,
    /// Prompts: one for each device of a ceremony.
    Prompts,
    /// Processed requests by device and `jti`, and DPoP proofs by key and `jti`.
    RequestIds,
    /// Authorization codes for applications, hashed.
    Codes,
    /// Access tokens, hashed.
    Tokens,
    /// The audit log.
    Audit,
    /// The service's own keys, sealed.
    Keys,
    /// Pushed authorization requests of phones, by hashed `request_uri`.
    Registrations,
    /// Authorization codes for phones, hashed.
    RegistrationCodes,
    /// Registration tokens, hashed.
    RegistrationTokens,
    /// Every sign-in key that was ever registered, by thumbprint.
    UsedKeys,
    /// Device keys, with the device of each, by thumbprint.
    DeviceKeys,
    /// Numbers recently shown for each typed name, by the keyed hash of the name.
    NumberSequences,
    /// Notices that a phone receives at its next contact.
    Notices,
    /// The organization's policy.
    Policy,
    /// Groups of people.
    Groups,
    /// API tokens of administrators, hashed.
    ApiTokens,
    /// Passes, hashed.
    Passes,
    /// Tokens that allow a phone to be added, hashed.
    PhoneTokens,
    /// The remaining requests of each network.
    Limits,
    /// Wrong passwords for each typed name, by the keyed hash of the name.
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

    /// Returns the table's name in SQL.
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

/// A row, as a back end stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The record's id.
    pub id: String,
    /// The key under which [`Rows::children`] lists the row.
    pub parent: String,
    /// When the row expires and may be deleted. `None` if the row never expires.
    pub expires_at: Option<Time>,
    /// The record as JSON.
    pub body: String,
}

/// The rows inside one transaction.
pub trait Rows {
    /// Returns the body of a row.
    fn get(&mut self, table: Table, id: &str) -> Result<Option<String>, StoreError>;
    /// Replaces the row with the same id. Returns false, and writes nothing, if there is no such row.
    fn update(&mut self, table: Table, row: Row) -> Result<bool, StoreError>;
    /// Writes a new row. Returns false, and writes nothing, if the id is taken.
    fn insert(&mut self, table: Table, row: Row) -> Result<bool, StoreError>;
    /// Returns the bodies of a parent's rows, in the order in which they were first written.
    fn children(&mut self, table: Table, parent: &str) -> Result<Vec<String>, StoreError>;
    /// Returns the bodies of all rows of a table, in the order in which they were first written.
    fn every(&mut self, table: Table) -> Result<Vec<String>, StoreError>;
    /// Deletes a row. Returns false if there was no row with this id.
    fn delete(&mut self, table: Table, id: &str) -> Result<bool, StoreError>;
    /// Deletes the expired rows of a table.
    fn sweep(&mut self, table: Table, now: Time) -> Result<(), StoreError>;
}

/// The work of one transaction.
pub type Work<'a> = dyn FnMut(&mut dyn Rows) -> Result<(), StoreError> + 'a;

/// How well a committed transaction survives a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power failure loses no committed transaction, so everything that the service has reported stays true.
    Full,
    /// A power failure may lose the last committed transactions. Used for counts, which the service does not report. A
    /// commit is about 40 times faster than with `Full`.
    Relaxed,
}

/// A database.
pub trait Backend: Send + Sync {
    /// Runs `work` as one transaction, perhaps several times. On `Ok`, the changes of the last run are stored, and every
    /// process with this database sees them immediately. On `Err`, no change is stored. Blocks.
    fn transact(&self, durability: Durability, work: &mut Work<'_>) -> Result<(), StoreError>;
}
