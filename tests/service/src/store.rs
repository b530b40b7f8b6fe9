//! The database behind a trait: records by id, listed by parent, changed in whole transactions.
//!
//! Every public operation of the service is one function run by [`Store::run`]; its decisions are made by
//! the pure rules of its room. SQLite and memory pass one contract suite; others can follow.

mod memory;
mod sqlite;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::clock::Time;

/// The database failed; nothing of the transaction was kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own report.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A record does not have the shape of this version.
    #[error("unreadable record")]
    Record(#[from] serde_json::Error),
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

/// Something that is stored.
pub trait Record: Serialize + DeserializeOwned {
    /// Where it is stored.
    const TABLE: Table;

    /// Its own name, unique in its table.
    fn id(&self) -> &str;

    /// What it is listed by.
    fn parent(&self) -> &str;

    /// When it may be forgotten.
    fn expires_at(&self) -> Option<Time>;
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

/// A transaction, by record type.
pub struct Tx<'a> {
    rows: &'a mut dyn Rows,
    wrote: bool,
}

impl<'a> Tx<'a> {
    /// A transaction over rows that somebody else keeps and commits.
    pub fn over(rows: &'a mut dyn Rows) -> Self {
        Self { rows, wrote: false }
    }

    /// The record with this id.
    pub fn get<R: Record>(&mut self, id: &str) -> Result<Option<R>, StoreError> {
        Ok(self.rows.get(R::TABLE, id)?.map(|body| serde_json::from_str(&body)).transpose()?)
    }

    /// Writes a record.
    pub fn put<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        self.wrote = true;
        self.rows.put(R::TABLE, row(record)?)
    }

    /// Writes a record whose id must be new; false when it is not.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<bool, StoreError> {
        self.wrote = true;
        self.rows.insert(R::TABLE, row(record)?)
    }

    /// The records of a parent, in the order they were first written.
    pub fn children<R: Record>(&mut self, parent: &str) -> Result<Vec<R>, StoreError> {
        let bodies = self.rows.children(R::TABLE, parent)?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }

    /// Deletes a record; false when there was none.
    pub fn delete<R: Record>(&mut self, id: &str) -> Result<bool, StoreError> {
        self.wrote = true;
        self.rows.delete(R::TABLE, id)
    }

    /// Forgets everything whose time is over.
    pub fn sweep(&mut self, now: Time) -> Result<(), StoreError> {
        Table::ALL.into_iter().try_for_each(|table| self.rows.sweep(table, now))
    }
}

fn row<R: Record>(record: &R) -> Result<Row, StoreError> {
    Ok(Row {
        id: record.id().to_owned(),
        parent: record.parent().to_owned(),
        expires_at: record.expires_at(),
        body: serde_json::to_string(record)?,
    })
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

/// The open database.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    changes: watch::Sender<u64>,
}

impl Store {
    /// Everything in memory; gone with the process.
    #[must_use]
    pub fn memory() -> Self {
        Self::with(Arc::new(memory::Memory::default()))
    }

    /// A SQLite file, made when it is not there.
    pub fn sqlite(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::with(Arc::new(sqlite::Sqlite::open(path)?)))
    }

    fn with(backend: Arc<dyn Backend>) -> Self {
        Self { backend, changes: watch::Sender::new(0) }
    }

    /// Runs `work` as one transaction on a blocking thread.
    pub async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.run_blocking(work)).await.map_err(|_stopped| StoreError::Stopped)?
    }

    /// Counts something, on a blocking thread: a transaction that nobody waits for, and that a power cut may take.
    pub async fn count<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.clone();
        let counted = tokio::task::spawn_blocking(move || store.transact(Kept::Probably, work));
        Ok(counted.await.map_err(|_stopped| StoreError::Stopped)??.0)
    }

    /// Runs `work` as one transaction on this thread.
    pub fn run_blocking<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (value, wrote) = self.transact(Kept::Surely, work)?;
        // Whoever waits for a change reads at each: reads that told of themselves would wake it for ever.
        if wrote {
            self.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(value)
    }

    /// Runs `work` and says whether it wrote anything.
    fn transact<T>(
        &self,
        kept: Kept,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, bool), StoreError> {
        let (mut work, mut value, mut wrote) = (Some(work), None, false);
        self.backend.transact(kept, &mut |rows| {
            let work = work.take().ok_or(StoreError::Stopped)?;
            let mut tx = Tx::over(rows);
            value = Some(work(&mut tx)?);
            wrote = tx.wrote;
            Ok(())
        })?;
        Ok((value.ok_or(StoreError::Stopped)?, wrote))
    }

    /// Tells of every change made by this process; other processes' changes are found by looking again.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
