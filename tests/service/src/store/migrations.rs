//! The versions of the database's schema, and the steps between them.
//!
//! Each step changes a database of one version to the next version. Opening a database runs the missing steps in one
//! transaction. A step never changes after a release, so it names tables and columns literally. The tests open a frozen
//! database of each version.

mod provenance;

use rusqlite::Transaction;

use super::backend::StoreError;

/// The version that this program reads and writes.
const VERSION: u32 = 2;

type Step = fn(&Transaction<'_>) -> Result<(), StoreError>;

/// The step at index n changes a database of version n to version n + 1.
const STEPS: [Step; 2] = [create_tables, record_provenance];

/// Changes a database to the newest version.
///
/// # Errors
/// `StoreError::Newer` if a newer version of the service has written the database, or the database failed.
pub(super) fn migrate(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let missing = usize::try_from(version).ok().and_then(|version| STEPS.get(version..)).ok_or(StoreError::Newer)?;
    missing.iter().try_for_each(|step| step(transaction))?;
    Ok(transaction.pragma_update(None, "user_version", VERSION)?)
}

/// The tables of version 1.
const TABLES: [&str; 29] = [
    "people",
    "user_names",
    "sessions",
    "attempts",
    "known_browsers",
    "enrollments",
    "typed_ids",
    "devices",
    "ceremonies",
    "prompts",
    "request_ids",
    "codes",
    "tokens",
    "audit",
    "keys",
    "registrations",
    "registration_codes",
    "registration_tokens",
    "used_keys",
    "device_keys",
    "number_sequences",
    "notices",
    "policy",
    "groups",
    "api_tokens",
    "passes",
    "phone_tokens",
    "limits",
    "password_tries",
];

/// Creates the tables that are missing. A database without tables has version 0.
fn create_tables(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    TABLES.into_iter().try_for_each(|name| create_table(transaction, name))
}

/// Development versions before 0.1 wrote version 1 without some of the tables.
fn record_provenance(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    create_tables(transaction)?;
    provenance::record(transaction)
}

fn create_table(transaction: &Transaction<'_>, name: &str) -> Result<(), StoreError> {
    Ok(transaction.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS {name} (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            parent TEXT NOT NULL,
            expires_at INTEGER,
            body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX IF NOT EXISTS {name}_by_parent ON {name} (parent);
        CREATE INDEX IF NOT EXISTS {name}_by_end ON {name} (expires_at);"
    ))?)
}
