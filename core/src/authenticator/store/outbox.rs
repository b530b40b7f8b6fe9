//! What must still be told to a service, in the database.

use rusqlite::{OptionalExtension, Row, params};

use crate::authenticator::error::Error;
use crate::authenticator::records::outbox_entry::{Entry, EntryId};
use crate::authenticator::store::accounts::{from_integer, from_json, to_integer, to_json};
use crate::authenticator::store::{Tables, readable};
use crate::base::clock::Timestamp;
use crate::values::account::AccountId;
use crate::values::prompt::{Delivery, PromptId};

/// How long the outcome of an attempted answer is asked for, in seconds.
const ASK_ON: u64 = 24 * 60 * 60;

impl Tables<'_> {
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
                to_integer(entry.give_up_at)?,
                to_integer(entry.lease_until)?,
            ],
        )?;
        Ok(())
    }

    /// Takes an entry to send it, so that nobody else does; `held` is its lease as the taker knows it, so of
    /// several takers one wins.
    ///
    /// From the first attempt on the service may have taken it, so what is about a prompt is asked about for a
    /// day longer, until the truth is known.
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
            params![id.0, to_integer(until)?, to_integer(now.plus(ASK_ON))?, to_integer(held)?],
        )?;
        // GUARD(outbox-lease): of_several_takers_one_sends_and_what_the_caller_stored_is_the_callers
        // INSTEAD: self.outbox_entry(id)
        if leased == 0 { Ok(None) } else { self.outbox_entry(id) }
    }

    pub(crate) fn outbox_entry(&self, id: &EntryId) -> Result<Option<Entry>, Error> {
        let found = self
            .connection
            .query_row("SELECT * FROM outbox WHERE id = ?1", [&id.0], |row| Ok(read_entry(row)))
            .optional()?;
        found.transpose()
    }

    /// Every entry, the one that is due first at the front.
    pub(crate) fn outbox(&self) -> Result<Vec<Entry>, Error> {
        let mut statement =
            self.connection.prepare("SELECT * FROM outbox ORDER BY max(next_at, lease_until), rowid")?;
        readable(statement.query([])?, "outbox", read_entry)
    }

    /// Puts off what did not arrive, or may not have.
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

    /// Ends leases that a process which was killed left behind; only while no other process holds the store.
    pub(crate) fn end_leases(&self) -> Result<(), Error> {
        self.connection.execute("UPDATE outbox SET lease_until = 0", [])?;
        Ok(())
    }

    pub(crate) fn delete_outbox(&self, id: &EntryId) -> Result<(), Error> {
        self.connection.execute("DELETE FROM outbox WHERE id = ?1", [&id.0])?;
        Ok(())
    }

    /// How far what was last told about a prompt has got; `None` when nothing is on its way.
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
            // Under way, and every attempt before it has not left this phone.
            (attempts, unsent, 1..) if attempts == unsent.saturating_add(1) => Delivery::Sending,
            (attempts, unsent, _) if attempts == unsent => Delivery::WaitingForNetwork,
            _ => Delivery::Sent,
        }))
    }

    pub(crate) fn outbox_is_silent_for(&self, account: &AccountId) -> Result<bool, Error> {
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
        give_up_at: from_integer(row.get("give_up_at")?),
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
            give_up_at: now.plus(60),
            lease_until: Timestamp(0),
        }
    }

    #[test]
    fn of_several_takers_one_sends_and_what_the_caller_stored_is_the_callers() {
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
        assert!(lease(Timestamp(0)), "the first who read it free");
        assert!(!lease(Timestamp(0)), "and nobody else who did");
        store
            .write_blocking(Point::OutboxSettled, |tables| tables.delete_outbox(&EntryId("entry".to_owned())))
            .unwrap();
        let own = entry(now).sent_by_the_caller(now);
        store.write_blocking(Point::Decided, |tables| tables.insert_outbox(&own)).unwrap();
        assert!(!lease(Timestamp(0)), "the loop, however fast it is");
        assert!(lease(own.lease_until), "the caller");
    }
}
