//! Keys that are to be destroyed in the key store, in the database: written in the transaction that gives a
//! key up, so that no kill and no sulking key store leaves one behind for ever.

use rusqlite::params;

use crate::authenticator::error::Error;
use crate::authenticator::records::account::device_key_alias;
use crate::authenticator::store::Tables;
use crate::values::account::AccountId;

/// A key that is to be destroyed.
pub(crate) struct RetiredKey {
    pub(crate) alias: String,
    pub(crate) account: AccountId,
}

impl Tables<'_> {
    pub(crate) fn retire_key(&self, alias: &str, account: &AccountId) -> Result<(), Error> {
        self.connection.execute(
            "INSERT OR IGNORE INTO retired_keys (alias, account) VALUES (?1, ?2)",
            params![alias, account.0],
        )?;
        Ok(())
    }

    /// Every key of an account: the device key, the sign-in key, and one that was being registered.
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

    pub(crate) fn retired_keys(&self) -> Result<Vec<RetiredKey>, Error> {
        let mut statement = self.connection.prepare("SELECT alias, account FROM retired_keys ORDER BY rowid")?;
        let rows = statement
            .query_map([], |row| Ok(RetiredKey { alias: row.get(0)?, account: AccountId(row.get(1)?) }))?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    pub(crate) fn forget_retired_key(&self, alias: &str) -> Result<(), Error> {
        self.connection.execute("DELETE FROM retired_keys WHERE alias = ?1", [alias])?;
        Ok(())
    }
}
