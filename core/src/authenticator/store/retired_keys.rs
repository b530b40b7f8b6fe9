//! The table of retired keys, which wait to be deleted from the key store.
//!
//! A key is retired in the transaction that ends its use. So after a crash, or while the key store fails, the key is
//! not forgotten: its deletion is retried.

use rusqlite::params;

use crate::authenticator::error::Error;
use crate::authenticator::records::account::device_key_alias;
use crate::authenticator::store::Tables;
use crate::values::account::AccountId;

/// A key that waits to be deleted from the key store.
pub(crate) struct RetiredKey {
    pub(crate) alias: String,
    /// The account of the key. The account may already be deleted.
    pub(crate) account: AccountId,
}

impl Tables<'_> {
    /// Retires a key. Does nothing if the key is already retired. The key need not exist in the key store.
    pub(crate) fn retire_key(&self, alias: &str, account: &AccountId) -> Result<(), Error> {
        self.connection.execute(
            "INSERT OR IGNORE INTO retired_keys (alias, account) VALUES (?1, ?2)",
            params![alias, account.0],
        )?;
        Ok(())
    }

    /// Retires every key of an account: the device key, the sign-in key, and a key that is being registered. Call this
    /// method before the account's rows are deleted.
    pub(super) fn retire_keys_of(&self, account: &AccountId) -> Result<(), Error> {
        self.retire_key(&device_key_alias(account), account)?;
        if let Some(alias) = self.registration(account)?.and_then(|stage| stage.key_alias().map(str::to_owned)) {
            self.retire_key(&alias, account)?;
        }
        self.connection.execute(
            "INSERT OR IGNORE INTO retired_keys (alias, account)
             SELECT sign_in_alias, id FROM accounts WHERE id = ?1 AND sign_in_alias IS NOT NULL",
            [&account.0],
        )?;
        Ok(())
    }

    /// Returns every retired key, oldest first.
    pub(crate) fn retired_keys(&self) -> Result<Vec<RetiredKey>, Error> {
        let mut statement = self.connection.prepare("SELECT alias, account FROM retired_keys ORDER BY rowid")?;
        let rows = statement
            .query_map([], |row| Ok(RetiredKey { alias: row.get(0)?, account: AccountId(row.get(1)?) }))?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// Deletes the row of a retired key. The caller must have checked that the key store no longer has the key.
    pub(crate) fn forget_retired_key(&self, alias: &str) -> Result<(), Error> {
        self.connection.execute("DELETE FROM retired_keys WHERE alias = ?1", [alias])?;
        Ok(())
    }
}
