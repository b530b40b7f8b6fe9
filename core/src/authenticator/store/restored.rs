//! Lists the accounts of a database that is sealed with another device's keys, and clears such a database.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};

use crate::authenticator::error::{Error, StoreFault};
use crate::authenticator::store::accounts::from_integer;
use crate::authenticator::store::{BUSY_TIMEOUT, refuse_newer, unwrap_failed, wrapped_key};
use crate::base::points;
use crate::base::points::{Point, Side};
use crate::values::account::{Account, AccountHealth, AccountId, PhoneSignIn};
use crate::values::issuer::Issuer;
use crate::values::platform::KeyStore;

/// Returns the accounts that were active on the other device, oldest first. Blocks; changes nothing.
///
/// # Errors
/// `Store` when the database can't be read; `NewerSchema`.
pub(crate) fn accounts(path: &Path) -> Result<Vec<Account>, Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(
        "SELECT id, issuer, user_name, organization, sign_in_alias IS NOT NULL AS phone_sign_in, added_at
         FROM accounts WHERE state = 'active' ORDER BY added_at, rowid",
    )?;
    let accounts = statement.query_map([], |row| Ok(read(row)))?;
    // An unreadable record does not affect the others.
    Ok(accounts.filter_map(|account| account.ok()?.ok()).collect())
}

fn read(row: &Row<'_>) -> Result<Account, Error> {
    let issuer = Issuer::parse(&row.get::<_, String>("issuer")?).map_err(|_text| Error::Store(StoreFault::Record))?;
    Ok(Account {
        id: AccountId(row.get("id")?),
        issuer: issuer.as_str().to_owned(),
        host: issuer.host().to_owned(),
        organization: row.get("organization")?,
        user_name: row.get("user_name")?,
        health: AccountHealth::RestoredElsewhere,
        phone_sign_in: if row.get("phone_sign_in")? { PhoneSignIn::On } else { PhoneSignIn::Off },
        added_at: from_integer(row.get("added_at")?),
        muted_until: None,
        quiet_origins: Vec::new(),
    })
}

/// Deletes every record in one transaction, so that the database can be opened with this device's keys. Blocks.
///
/// # Errors
/// `NotFromAnotherDevice` when this device's key store has the keys; `NotYetUnlocked` and `Platform` when this can't be
/// decided because the key store fails; `NewerSchema`, `Store`. After any error nothing was changed.
pub(crate) fn clear(path: &Path, key_store: &dyn KeyStore) -> Result<(), Error> {
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Without this setting, freed pages of the file would still contain personal data.
    connection.pragma_update(None, "secure_delete", true)?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if let Some(wrapped) = wrapped_key(&transaction, "store_key")? {
        match key_store.unwrap(wrapped).map_err(unwrap_failed) {
            Err(Error::FromAnotherDevice) => {}
            Ok(_key) => return Err(Error::NotFromAnotherDevice),
            Err(error) => return Err(error),
        }
    }
    let tables: Vec<String> = transaction
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for table in tables {
        transaction.execute(&format!("DELETE FROM {table}"), [])?;
    }
    points::reached(Point::StartedOver, Side::Before);
    transaction.commit()?;
    points::reached(Point::StartedOver, Side::After);
    Ok(())
}

/// Opens an existing database with `access`; refuses a newer schema.
fn open(path: &Path, access: OpenFlags) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    refuse_newer(&connection)?;
    Ok(connection)
}
