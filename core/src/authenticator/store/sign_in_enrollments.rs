//! The table of unfinished enrollments by signing in. The whole record is sealed.

use rusqlite::{OptionalExtension, params};
use zeroize::Zeroizing;

use crate::authenticator::error::{Error, StoreFault};
use crate::authenticator::records::sign_in_enrollment::SignInEnrollment;
use crate::authenticator::store::{Tables, readable};
use crate::base::seal::Place;
use crate::values::account::AccountId;

fn sealed_at(row: &str) -> Place<'_> {
    Place { table: "sign_in_enrollments", row, column: "record" }
}

impl Tables<'_> {
    /// Stores an enrollment with its stage; replaces the enrollment's earlier record.
    ///
    /// # Errors
    /// `Store`; `Platform` when the record can't be sealed.
    pub(crate) fn set_sign_in_enrollment(&self, record: &SignInEnrollment) -> Result<(), Error> {
        let plain = Zeroizing::new(serde_json::to_vec(record).map_err(|_never| Error::Store(StoreFault::Record))?);
        let sealed = self.sealer.seal(&sealed_at(&record.account.0), &plain)?;
        self.connection.execute(
            "INSERT INTO sign_in_enrollments (account, record) VALUES (?1, ?2)
             ON CONFLICT (account) DO UPDATE SET record = excluded.record",
            params![record.account.0, sealed],
        )?;
        Ok(())
    }

    /// Returns the enrollment whose account will have this id; `None` when no such enrollment is stored.
    ///
    /// # Errors
    /// `Store(Record)` when the record can't be unsealed or parsed.
    pub(crate) fn sign_in_enrollment(&self, account: &AccountId) -> Result<Option<SignInEnrollment>, Error> {
        let sealed: Option<Vec<u8>> = self
            .connection
            .query_row("SELECT record FROM sign_in_enrollments WHERE account = ?1", [&account.0], |row| row.get(0))
            .optional()?;
        sealed.map(|sealed| self.open_sign_in_enrollment(account, &sealed)).transpose()
    }

    fn open_sign_in_enrollment(&self, account: &AccountId, sealed: &[u8]) -> Result<SignInEnrollment, Error> {
        let plain = self.sealer.open(&sealed_at(&account.0), sealed)?;
        serde_json::from_slice(&plain).map_err(|_malformed| Error::Store(StoreFault::Record))
    }

    /// Returns every readable unfinished enrollment, oldest first.
    pub(crate) fn sign_in_enrollments(&self) -> Result<Vec<SignInEnrollment>, Error> {
        let mut statement =
            self.connection.prepare("SELECT account, record FROM sign_in_enrollments ORDER BY rowid")?;
        readable(statement.query([])?, "sign-in enrollment", |row| {
            self.open_sign_in_enrollment(&AccountId(row.get("account")?), &row.get::<_, Vec<u8>>("record")?)
        })
    }

    /// Deletes an enrollment that has become an account. The account keeps the keys.
    pub(crate) fn delete_sign_in_enrollment(&self, account: &AccountId) -> Result<(), Error> {
        self.connection.execute("DELETE FROM sign_in_enrollments WHERE account = ?1", [&account.0])?;
        Ok(())
    }

    /// Deletes an enrollment that will not become an account, and retires its device key.
    pub(crate) fn end_sign_in_enrollment(&self, account: &AccountId) -> Result<(), Error> {
        self.retire_keys_of(account)?;
        self.delete_sign_in_enrollment(account)
    }
}
