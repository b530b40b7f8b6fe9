//! The table of unfinished registrations for phone sign-in: at most one for each account. The whole stage is sealed.

use rusqlite::{OptionalExtension, params};
use zeroize::Zeroizing;

use crate::authenticator::error::{Error, StoreFault};
use crate::authenticator::records::stage::Stage;
use crate::authenticator::store::{Tables, readable};
use crate::base::seal::Place;
use crate::values::account::AccountId;

fn sealed_at(row: &str) -> Place<'_> {
    Place { table: "registrations", row, column: "stage" }
}

impl Tables<'_> {
    /// Returns the stage of an account's registration; `None` when the account has no unfinished registration.
    ///
    /// # Errors
    /// `Store(Record)` when the stage can't be unsealed or parsed.
    pub(crate) fn registration(&self, account: &AccountId) -> Result<Option<Stage>, Error> {
        let sealed: Option<Vec<u8>> = self
            .connection
            .query_row("SELECT stage FROM registrations WHERE account = ?1", [&account.0], |row| row.get(0))
            .optional()?;
        sealed.map(|sealed| self.open_stage(account, &sealed)).transpose()
    }

    /// Unseals and parses a stage. The seal is bound to the account, so a stage can't be moved to another row.
    fn open_stage(&self, account: &AccountId, sealed: &[u8]) -> Result<Stage, Error> {
        let plain = self.sealer.open(&sealed_at(&account.0), sealed)?;
        serde_json::from_slice(&plain).map_err(|_malformed| Error::Store(StoreFault::Record))
    }

    /// Stores the stage of an account's registration; replaces an earlier stage.
    ///
    /// # Errors
    /// `Store` when the database fails, or when the account is no longer on this phone (foreign key); `Platform` when
    /// the stage can't be sealed.
    pub(crate) fn set_registration(&self, account: &AccountId, stage: &Stage) -> Result<(), Error> {
        let plain = Zeroizing::new(serde_json::to_vec(stage).map_err(|_never| Error::Store(StoreFault::Record))?);
        let sealed = self.sealer.seal(&sealed_at(&account.0), &plain)?;
        self.connection.execute(
            "INSERT INTO registrations (account, stage) VALUES (?1, ?2)
             ON CONFLICT (account) DO UPDATE SET stage = excluded.stage",
            params![account.0, sealed],
        )?;
        Ok(())
    }

    /// Deletes a registration. Retires the key that was made for it, unless that key is now the sign-in key.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub(crate) fn end_registration(&self, account: &AccountId) -> Result<(), Error> {
        let made = self.registration(account)?.and_then(|stage| stage.key_alias().map(str::to_owned));
        let in_use = self.account(account)?.sign_in.map(|sign_in| sign_in.alias);
        if let Some(alias) = made.filter(|alias| Some(alias) != in_use.as_ref()) {
            self.retire_key(&alias, account)?;
        }
        self.connection.execute("DELETE FROM registrations WHERE account = ?1", [&account.0])?;
        Ok(())
    }

    /// Returns every readable unfinished registration, oldest first.
    pub(crate) fn registrations(&self) -> Result<Vec<(AccountId, Stage)>, Error> {
        let mut statement = self.connection.prepare("SELECT account, stage FROM registrations ORDER BY rowid")?;
        readable(statement.query([])?, "registration", |row| {
            let account = AccountId(row.get("account")?);
            let stage = self.open_stage(&account, &row.get::<_, Vec<u8>>("stage")?)?;
            Ok((account, stage))
        })
    }
}
