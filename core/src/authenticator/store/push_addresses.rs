//! Reads and writes two columns of the table `accounts`: when the push address is renewed, and when the last push
//! arrived.

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
    /// Makes the renewal of every account's push address due now.
    pub(crate) fn renew_every_push_address(&self) -> Result<(), Error> {
        self.connection.execute("UPDATE accounts SET push_renew_at = 0", [])?;
        Ok(())
    }

    /// Makes the renewal of an account's push address due earlier, because the service has reported that the address
    /// has ended. The function `hastened` decides how much earlier. An unknown account is ignored.
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

    /// Returns the active accounts whose push address must be renewed now, each with the stored time of the renewal. A
    /// stored time after `latest` also counts as due, because it was stored while the phone's clock was wrong.
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
        // An account that can't be read is skipped, so that it does not affect the other accounts.
        Ok(due.into_iter().filter_map(|(id, due_at)| Some((self.account(&id).ok()?, due_at))).collect())
    }

    /// Returns the earliest renewal time of all active accounts; `None` when there is no active account.
    pub(crate) fn next_push_renewal(&self) -> Result<Option<Timestamp>, Error> {
        let next: Option<i64> =
            self.connection
                .query_row("SELECT min(push_renew_at) FROM accounts WHERE state = 'active'", [], |row| row.get(0))?;
        Ok(next.map(from_integer))
    }

    /// Sets the time of an account's next renewal. Returns false, and changes nothing, when the stored time is no
    /// longer `due_at`, or when the account is not active. The caller's new push address is then outdated.
    pub(crate) fn set_push_renewal(&self, id: &AccountId, due_at: Timestamp, next: Timestamp) -> Result<bool, Error> {
        let changed = self.connection.execute(
            "UPDATE accounts SET push_renew_at = ?3 WHERE id = ?1 AND push_renew_at = ?2 AND state = 'active'",
            params![id.0, to_integer(due_at)?, to_integer(next)?],
        )?;
        Ok(changed == 1)
    }

    /// Stores `at` as the time at which the last verified push arrived. Returns false, and changes nothing, when the
    /// stored time is the same or later. Exception: a stored time after `now` is always replaced, because it was stored
    /// while the phone's clock was wrong.
    pub(crate) fn push_came(&self, id: &AccountId, at: Timestamp, now: Timestamp) -> Result<bool, Error> {
        let changed = self.connection.execute(
            "UPDATE accounts SET push_came_at = ?2
             WHERE id = ?1 AND (push_came_at IS NULL OR push_came_at < ?2 OR push_came_at > ?3)",
            params![id.0, to_integer(at)?, to_integer(now)?],
        )?;
        Ok(changed == 1)
    }

    /// Returns two values: when the last verified push for an account arrived (`None` before the first push), and
    /// whether the service knows the current push address.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub(crate) fn push_record(&self, id: &AccountId, now: Timestamp) -> Result<(Option<Timestamp>, bool), Error> {
        let (came, renew_at): (Option<i64>, i64) = self
            .connection
            .query_row("SELECT push_came_at, push_renew_at FROM accounts WHERE id = ?1", [&id.0], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?
            .ok_or(Error::UnknownAccount)?;
        let is_waiting = |entry: &Entry| entry.account == *id && matches!(entry.message, Message::PushAddress { .. });
        let is_known = from_integer(renew_at) > now && !self.outbox()?.iter().any(is_waiting);
        Ok((came.map(from_integer), is_known))
    }

    /// Inserts the message with a new push address, and deletes a waiting message with an older address.
    pub(crate) fn replace_push_address(&self, entry: &Entry) -> Result<(), Error> {
        for waiting in self.outbox()? {
            if waiting.account == entry.account && matches!(waiting.message, Message::PushAddress { .. }) {
                self.delete_outbox(&waiting.id)?;
            }
        }
        self.insert_outbox(entry)
    }
}
