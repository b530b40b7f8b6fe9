//! The table of unfinished enrollments that were started from an enrollment code. The enrollment key K and the push
//! keys are sealed.

use rusqlite::{OptionalExtension, Row, params};

use crate::authenticator::error::{Error, StoreFault};
use crate::authenticator::records::account::AccountRecord;
use crate::authenticator::records::enrollment::{EnrollmentRecord, Facts, Stage};
use crate::authenticator::store::accounts::{from_json, to_json};
use crate::authenticator::store::{Tables, readable};
use crate::base::seal::Place;
use crate::protocol::proofs::EnrollmentKey;
use crate::protocol::push_message::PushKeys;
use crate::values::account::AccountId;
use crate::values::issuer::Issuer;
use crate::values::ticket::Ticket;

fn key_at(row: &str) -> Place<'_> {
    Place { table: "enrollments", row, column: "key" }
}

fn push_keys_at(row: &str) -> Place<'_> {
    Place { table: "enrollments", row, column: "push_keys" }
}

impl Tables<'_> {
    /// Inserts an enrollment that the person has accepted.
    ///
    /// # Errors
    /// `Store` when the database fails, or when the table already has an enrollment with the same ticket or account.
    /// `Platform` when the secrets can't be sealed.
    pub(crate) fn insert_enrollment(&self, record: &EnrollmentRecord) -> Result<(), Error> {
        let ticket = &record.ticket.0;
        self.connection.execute(
            "INSERT INTO enrollments (ticket, account, stage, facts, key, push_keys) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                ticket,
                record.facts.account.0,
                to_json(&record.stage)?,
                to_json(&record.facts)?,
                // EXPOSE: both values are sealed here.
                self.sealer.seal(&key_at(ticket), record.key.to_bytes().expose())?,
                self.sealer.seal(&push_keys_at(ticket), record.push_keys.to_bytes().expose())?,
            ],
        )?;
        Ok(())
    }

    /// Returns every readable enrollment, oldest first.
    pub(crate) fn enrollments(&self) -> Result<Vec<EnrollmentRecord>, Error> {
        let mut statement = self.connection.prepare("SELECT * FROM enrollments ORDER BY rowid")?;
        readable(statement.query([])?, "enrollment", |row| self.read_enrollment(row))
    }

    /// Returns the enrollment of a ticket.
    ///
    /// # Errors
    /// `UnknownTicket` when no stored enrollment has this ticket.
    pub(crate) fn enrollment(&self, ticket: &Ticket) -> Result<EnrollmentRecord, Error> {
        self.enrollment_where("ticket = ?1", &ticket.0)?.ok_or(Error::UnknownTicket)
    }

    /// Returns the unfinished enrollment of an account, if any.
    pub(crate) fn enrollment_of(&self, account: &AccountId) -> Result<Option<EnrollmentRecord>, Error> {
        self.enrollment_where("account = ?1", &account.0)
    }

    fn enrollment_where(&self, condition: &str, value: &str) -> Result<Option<EnrollmentRecord>, Error> {
        let sql = format!("SELECT * FROM enrollments WHERE {condition}");
        let found = self.connection.query_row(&sql, [value], |row| Ok(self.read_enrollment(row))).optional()?;
        found.transpose()
    }

    fn read_enrollment(&self, row: &Row<'_>) -> Result<EnrollmentRecord, Error> {
        let ticket: String = row.get("ticket")?;
        let unreadable = || Error::Store(StoreFault::Record);
        let key = self.sealer.open(&key_at(&ticket), &row.get::<_, Vec<u8>>("key")?)?;
        let push_keys = self.sealer.open(&push_keys_at(&ticket), &row.get::<_, Vec<u8>>("push_keys")?)?;
        Ok(EnrollmentRecord {
            stage: from_json::<Stage>(&row.get::<_, String>("stage")?)?,
            facts: from_json::<Facts>(&row.get::<_, String>("facts")?)?,
            key: EnrollmentKey::from_bytes(&key).map_err(|_length| unreadable())?,
            push_keys: PushKeys::from_bytes(&push_keys).map_err(|_malformed| unreadable())?,
            ticket: Ticket(ticket),
        })
    }

    /// Stores the stage of an enrollment.
    ///
    /// # Errors
    /// `UnknownTicket` when the enrollment was deleted in the meantime, for example by `Authenticator::abandon`.
    pub(crate) fn set_enrollment_stage(&self, ticket: &Ticket, stage: &Stage) -> Result<(), Error> {
        let changed = self
            .connection
            .execute("UPDATE enrollments SET stage = ?2 WHERE ticket = ?1", params![ticket.0, to_json(stage)?])?;
        if changed == 1 { Ok(()) } else { Err(Error::UnknownTicket) }
    }

    /// Deletes an enrollment with its secrets. An unknown ticket is ignored.
    pub(crate) fn delete_enrollment(&self, ticket: &Ticket) -> Result<(), Error> {
        self.connection.execute("DELETE FROM enrollments WHERE ticket = ?1", [&ticket.0])?;
        Ok(())
    }

    /// Deletes the enrollment of an account, with its secrets, if there is one.
    pub(crate) fn delete_enrollment_of(&self, account: &AccountId) -> Result<(), Error> {
        self.connection.execute("DELETE FROM enrollments WHERE account = ?1", [&account.0])?;
        Ok(())
    }

    /// Whether this phone already has this account, active or pending. `account_id` is the account's id at the service.
    pub(crate) fn has_account(&self, issuer: &Issuer, account_id: &str) -> Result<bool, Error> {
        Ok(self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE issuer = ?1 AND account_id = ?2 AND state != 'removed')",
            params![issuer.as_str(), account_id],
            |row| row.get(0),
        )?)
    }

    /// Deletes older records of an account that is being added again. These are the records with the same issuer and
    /// the same id at the service, in the state `removed`.
    pub(crate) fn delete_removed_duplicates(&self, account: &AccountRecord) -> Result<(), Error> {
        // These accounts have no file for the notification extension: it was deleted when they were removed.
        self.connection.execute(
            "DELETE FROM accounts WHERE issuer = ?1 AND account_id = ?2 AND state = 'removed'",
            params![account.issuer.as_str(), account.account_id],
        )?;
        Ok(())
    }
}
