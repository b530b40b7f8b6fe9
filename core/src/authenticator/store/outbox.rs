//! The table of the outbox: messages that the service has not acknowledged yet.

use rusqlite::{OptionalExtension, Row, params};

use crate::authenticator::error::Error;
use crate::authenticator::records::outbox_entry::{Entry, EntryId};
use crate::authenticator::store::accounts::{from_integer, from_json, to_integer, to_json};
use crate::authenticator::store::{Tables, readable};
use crate::base::clock::Timestamp;
use crate::values::account::AccountId;
use crate::values::prompt::{Delivery, PromptId};

/// For this many seconds after the first attempt, an answer or a report is resent, so that the phone learns the
/// outcome.
const OUTCOME_LIFE: u64 = 24 * 60 * 60;

impl Tables<'_> {
    /// Inserts an entry. If the message informs the service of a change on this phone (for example, of a removed
    /// account), call this method in the transaction that stores the change.
    pub(crate) fn insert_outbox(&self, entry: &Entry) -> Result<(), Error> {
        self.connection.execute(
            "INSERT INTO outbox (id, account, prompt, speaker, endpoint, body, next_at, give_up_at, lease_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                entry.id.0,
                entry.account.0,
                entry.prompt.as_ref().map(|prompt| prompt.jti.as_str()),
                to_json(&entry.speaker)?,
                entry.endpoint,
                to_json(&entry.message)?,
                to_integer(entry.next_at)?,
                to_integer(entry.abandon_at)?,
                to_integer(entry.lease_until)?,
            ],
        )?;
        Ok(())
    }

    /// Leases an entry until `until`, and counts the attempt. While the lease lasts, no other process or task sends the
    /// entry. `held` is the value of `lease_until` that the caller has read: if it has changed, another caller has the
    /// lease.
    ///
    /// Returns the entry; `None` when another caller has leased the entry, or when the entry was deleted. The first
    /// attempt also extends the life of an entry about a prompt to at least a day from `now`: the service may have
    /// received the message, and the phone must learn the real outcome.
    pub(crate) fn lease_outbox(
        &self,
        id: &EntryId,
        held: Timestamp,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Entry>, Error> {
        let leased = self.connection.execute(
            "UPDATE outbox SET lease_until = ?2, attempts = attempts + 1,
                give_up_at = CASE WHEN attempts = 0 AND prompt IS NOT NULL THEN max(give_up_at, ?3) ELSE give_up_at END
             WHERE id = ?1 AND lease_until = ?4",
            params![id.0, to_integer(until)?, to_integer(now.plus(OUTCOME_LIFE))?, to_integer(held)?],
        )?;
        // GUARD(outbox-lease): one_caller_gets_the_lease_of_an_outbox_entry
        // INSTEAD: self.outbox_entry(id)
        if leased == 0 { Ok(None) } else { self.outbox_entry(id) }
    }

    /// Returns an entry by its id; `None` when the entry was deleted.
    pub(crate) fn outbox_entry(&self, id: &EntryId) -> Result<Option<Entry>, Error> {
        let found = self
            .connection
            .query_row("SELECT * FROM outbox WHERE id = ?1", [&id.0], |row| Ok(read_entry(row)))
            .optional()?;
        found.transpose()
    }

    /// Returns every readable entry of all accounts, in the order in which they are due.
    pub(crate) fn outbox(&self) -> Result<Vec<Entry>, Error> {
        let mut statement =
            self.connection.prepare("SELECT * FROM outbox ORDER BY max(next_at, lease_until), rowid")?;
        readable(statement.query([])?, "outbox", read_entry)
    }

    /// Ends the lease of an entry after a failed attempt, and sets the time of the next attempt. `may_have_arrived` is
    /// false only when the request certainly did not leave this phone.
    pub(crate) fn postpone_outbox(
        &self,
        id: &EntryId,
        next_at: Timestamp,
        may_have_arrived: bool,
    ) -> Result<(), Error> {
        self.connection.execute(
            "UPDATE outbox SET next_at = ?2, lease_until = 0, unsent = unsent + ?3 WHERE id = ?1",
            params![id.0, to_integer(next_at)?, !may_have_arrived],
        )?;
        Ok(())
    }

    /// Ends all leases, because they belong to killed processes. Call this method only while no other process has the
    /// database open: otherwise messages would be sent twice.
    pub(crate) fn end_leases(&self) -> Result<(), Error> {
        self.connection.execute("UPDATE outbox SET lease_until = 0", [])?;
        Ok(())
    }

    /// Deletes an entry that was acknowledged or has expired.
    pub(crate) fn delete_outbox(&self, id: &EntryId) -> Result<(), Error> {
        self.connection.execute("DELETE FROM outbox WHERE id = ?1", [&id.0])?;
        Ok(())
    }

    /// Returns the delivery state of the newest entry about a prompt; `None` when there is no entry.
    ///
    /// Returns `Sent` if any attempt may have arrived: the service may then have acted on the message.
    pub(crate) fn delivery(&self, prompt: &PromptId) -> Result<Option<Delivery>, Error> {
        let found: Option<(i64, i64, i64)> = self
            .connection
            .query_row(
                "SELECT attempts, unsent, lease_until FROM outbox WHERE account = ?1 AND prompt = ?2 ORDER BY rowid DESC",
                params![prompt.account.0, prompt.jti],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        Ok(found.map(|sent| match sent {
            (0, _, _) => Delivery::Sending,
            // The current attempt has a lease, and no earlier attempt has left this phone.
            (attempts, unsent, 1..) if attempts == unsent.saturating_add(1) => Delivery::Sending,
            (attempts, unsent, _) if attempts == unsent => Delivery::WaitingForNetwork,
            _ => Delivery::Sent,
        }))
    }

    /// Whether the outbox has no message of an account. If so, the outbox no longer needs the account's device key.
    pub(crate) fn outbox_is_empty_for(&self, account: &AccountId) -> Result<bool, Error> {
        Ok(self.connection.query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE account = ?1)",
            [&account.0],
            |row| row.get(0),
        )?)
    }
}

fn read_entry(row: &Row<'_>) -> Result<Entry, Error> {
    let account = AccountId(row.get("account")?);
    let jti: Option<String> = row.get("prompt")?;
    Ok(Entry {
        id: EntryId(row.get("id")?),
        prompt: jti.map(|jti| PromptId { account: account.clone(), jti }),
        account,
        speaker: from_json(&row.get::<_, String>("speaker")?)?,
        endpoint: row.get("endpoint")?,
        message: from_json(&row.get::<_, String>("body")?)?,
        attempts: row.get("attempts")?,
        next_at: from_integer(row.get("next_at")?),
        abandon_at: from_integer(row.get("give_up_at")?),
        lease_until: from_integer(row.get("lease_until")?),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::authenticator::store::Store;
    use crate::base::points::Point;
    use crate::protocol::messages::Message;
    use crate::testing::FakeKeyStore;

    fn entry(now: Timestamp) -> Entry {
        Entry {
            id: EntryId("entry".to_owned()),
            account: AccountId("account".to_owned()),
            prompt: None,
            speaker: serde_json::from_value(serde_json::json!({
                "account": "account", "issuer": "https://login.example", "device_id": "device",
                "key_alias": "alias", "keys_endpoint": "https://login.example/phone/keys",
                "service_keys": { "seq": 1, "keys": [] }, "clock_offset": 0,
            }))
            .unwrap(),
            endpoint: "https://login.example/phone/device".to_owned(),
            message: Message::Unenroll,
            attempts: 0,
            next_at: now,
            abandon_at: now.plus(60),
            lease_until: Timestamp(0),
        }
    }

    #[test]
    fn one_caller_gets_the_lease_of_an_outbox_entry() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = folder.path().join("inbox");
        let store = Store::open(&folder.path().join("db"), &inbox, &FakeKeyStore::default()).unwrap();
        let (now, until) = (Timestamp(1_790_000_000), Timestamp(1_790_000_045));
        let lease = |held| {
            let id = EntryId("entry".to_owned());
            store
                .write_blocking(Point::OutboxLeased, move |tables| tables.lease_outbox(&id, held, now, until))
                .unwrap()
                .is_some()
        };
        store.write_blocking(Point::Decided, |tables| tables.insert_outbox(&entry(now))).unwrap();
        assert!(lease(Timestamp(0)), "the first caller did not get the lease");
        assert!(!lease(Timestamp(0)), "two callers got the lease");
        store
            .write_blocking(Point::OutboxSettled, |tables| tables.delete_outbox(&EntryId("entry".to_owned())))
            .unwrap();
        let own = entry(now).leased_by_caller(now);
        store.write_blocking(Point::Decided, |tables| tables.insert_outbox(&own)).unwrap();
        assert!(!lease(Timestamp(0)), "a caller that did not know the stored lease got the lease");
        assert!(lease(own.lease_until), "the caller that stored the entry did not get its lease");
    }
}
