//! When each account's push address is asked for anew, in the database.

use rusqlite::{OptionalExtension, params};

use crate::authenticator::error::Error;
use crate::authenticator::records::account::AccountRecord;
use crate::authenticator::records::outbox_entry::Entry;
use crate::authenticator::records::push_times::hastened;
use crate::authenticator::store::Tables;
use crate::authenticator::store::accounts::{from_integer, to_integer};
use crate::base::clock::Timestamp;
use crate::protocol::messages::Message;
use crate::values::account::AccountId;

impl Tables<'_> {
    pub(crate) fn renew_every_push_address(&self) -> Result<(), Error> {
        self.connection.execute("UPDATE accounts SET push_renew_at = 0", [])?;
        Ok(())
    }

    /// The service says that the address ended.
    pub(crate) fn hasten_push_renewal(&self, id: &AccountId, now: Timestamp) -> Result<(), Error> {
        let stored = "SELECT push_renew_at FROM accounts WHERE id = ?1";
        let due: Option<i64> = self.connection.query_row(stored, [&id.0], |row| row.get(0)).optional()?;
        if let Some(due) = due {
            let due = hastened(from_integer(due), now);
            let changed = "UPDATE accounts SET push_renew_at = ?2 WHERE id = ?1";
            self.connection.execute(changed, params![id.0, to_integer(due)?])?;
        }
        Ok(())
    }

    /// Active accounts that are due, and since when; a time after `latest` was stored while the clock was wrong.
    pub(crate) fn push_addresses_due(
        &self,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Vec<(AccountRecord, Timestamp)>, Error> {
        let mut statement = self.connection.prepare(
            "SELECT id, push_renew_at FROM accounts
             WHERE state = 'active' AND (push_renew_at <= ?1 OR push_renew_at > ?2)",
        )?;
        let due = statement.query_map([to_integer(now)?, to_integer(latest)?], |row| {
            Ok((AccountId(row.get(0)?), from_integer(row.get(1)?)))
        })?;
        let due = due.collect::<Result<Vec<_>, _>>()?;
        // An unreadable record costs no other.
        Ok(due.into_iter().filter_map(|(id, due_at)| Some((self.account(&id).ok()?, due_at))).collect())
    }

    pub(crate) fn next_push_renewal(&self) -> Result<Option<Timestamp>, Error> {
        let next: Option<i64> =
            self.connection
                .query_row("SELECT min(push_renew_at) FROM accounts WHERE state = 'active'", [], |row| row.get(0))?;
        Ok(next.map(from_integer))
    }

    /// False when it is no longer due since `due_at`, or the account is gone.
    pub(crate) fn set_push_renewal(&self, id: &AccountId, due_at: Timestamp, next: Timestamp) -> Result<bool, Error> {
        let changed = self.connection.execute(
            "UPDATE accounts SET push_renew_at = ?3 WHERE id = ?1 AND push_renew_at = ?2 AND state = 'active'",
            params![id.0, to_integer(due_at)?, to_integer(next)?],
        )?;
        Ok(changed == 1)
    }

    /// A genuine push came at `at`; true when none came later. A time after `now` was noted while the clock was wrong.
    pub(crate) fn push_came(&self, id: &AccountId, at: Timestamp, now: Timestamp) -> Result<bool, Error> {
        let changed = self.connection.execute(
            "UPDATE accounts SET push_came_at = ?2
             WHERE id = ?1 AND (push_came_at IS NULL OR push_came_at < ?2 OR push_came_at > ?3)",
            params![id.0, to_integer(at)?, to_integer(now)?],
        )?;
        Ok(changed == 1)
    }

    /// When a push last came for an account, and whether the service was told where to send them.
    pub(crate) fn push_record(&self, id: &AccountId, now: Timestamp) -> Result<(Option<Timestamp>, bool), Error> {
        let (came, renew_at): (Option<i64>, i64) = self
            .connection
            .query_row("SELECT push_came_at, push_renew_at FROM accounts WHERE id = ?1", [&id.0], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?
            .ok_or(Error::UnknownAccount)?;
        let is_waiting = |entry: &Entry| entry.account == *id && matches!(entry.message, Message::PushAddress { .. });
        let is_told = from_integer(renew_at) > now && !self.outbox()?.iter().any(is_waiting);
        Ok((came.map(from_integer), is_told))
    }

    /// Stores what the service is told, in the place of an older address that it was not told yet.
    pub(crate) fn replace_push_address(&self, entry: &Entry) -> Result<(), Error> {
        for waiting in self.outbox()? {
            if waiting.account == entry.account && matches!(waiting.message, Message::PushAddress { .. }) {
                self.delete_outbox(&waiting.id)?;
            }
        }
        self.insert_outbox(entry)
    }
}
