//! The tables of prompts and of withdrawals.

use rusqlite::{OptionalExtension, params};

use crate::authenticator::error::{Error, StoreFault};
use crate::authenticator::store::accounts::{from_integer, from_json, to_integer, to_json};
use crate::authenticator::store::{Tables, readable};
use crate::base::clock::Timestamp;
use crate::protocol::messages::ReceivedBy;
use crate::protocol::verify::{Audience, read_verified};
use crate::values::account::AccountId;
use crate::values::fatigue::Quiet;
use crate::values::prompt::{Delivery, Outcome, Prompt, PromptId, PromptState};

/// How long screens still show a prompt after its outcome has arrived, in seconds.
const SHOWN_AFTER: u64 = 60;

/// A prompt, as the database stores it. The JWS was verified before it was stored.
#[derive(Debug, Clone)]
pub(crate) struct PromptRecord {
    pub(crate) id: PromptId,
    /// The signed prompt; an answer contains its hash.
    pub(crate) jws: String,
    pub(crate) received_by: ReceivedBy,
    /// When the prompt arrived, by this phone's clock.
    pub(crate) received_at: Timestamp,
    /// When the prompt expires, by this phone's clock.
    pub(crate) expires_at: Timestamp,
    pub(crate) state: PromptState,
    /// Why the prompt arrived without an alert; `None` when the prompt alerted, or when the person was using the app.
    pub(crate) quiet: Option<Quiet>,
}

impl PromptRecord {
    /// Returns the prompt as screens show it, parsed from its JWS. The signature is not verified again.
    ///
    /// # Errors
    /// `Store(Record)` when the stored JWS can't be parsed.
    pub(crate) fn shown(&self, audience: &Audience) -> Result<Prompt, Error> {
        let prompt = read_verified(&self.jws, audience).ok_or(Error::Store(StoreFault::Record))?;
        Ok(Prompt { state: self.state, quiet: self.quiet, ..prompt })
    }
}

impl Tables<'_> {
    /// Stores a verified prompt. Returns false when the prompt is already stored, or was withdrawn before it arrived.
    ///
    /// If a push arrives for an open prompt that was already fetched, the prompt's `received_by` becomes `Push`. The
    /// answer then shows the service that pushes work.
    pub(crate) fn insert_prompt(&self, record: &PromptRecord) -> Result<bool, Error> {
        let withdrawn: bool = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM withdrawn WHERE account = ?1 AND jti = ?2)",
            params![record.id.account.0, record.id.jti],
            |row| row.get(0),
        )?;
        if withdrawn {
            return Ok(false);
        }
        let inserted = self.connection.execute(
            "INSERT OR IGNORE INTO prompts (account, jti, jws, received_by, received_at, quiet, expires_at, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open')",
            params![
                record.id.account.0,
                record.id.jti,
                record.jws,
                to_json(&record.received_by)?,
                to_integer(record.received_at)?,
                record.quiet.as_ref().map(to_json).transpose()?,
                to_integer(record.expires_at)?,
            ],
        )?;
        if inserted == 0 && record.received_by == ReceivedBy::Push {
            self.connection.execute(
                "UPDATE prompts SET received_by = ?3 WHERE account = ?1 AND jti = ?2 AND state = 'open'",
                params![record.id.account.0, record.id.jti, to_json(&record.received_by)?],
            )?;
        }
        Ok(inserted == 1)
    }

    /// Returns a prompt by its id, whatever its state.
    ///
    /// # Errors
    /// `UnknownPrompt` when no prompt with this id is stored, or when its record can't be read.
    pub(crate) fn prompt(&self, id: &PromptId) -> Result<PromptRecord, Error> {
        self.prompts_where("account = ?1 AND jti = ?2", params![id.account.0, id.jti])?
            .pop()
            .ok_or(Error::UnknownPrompt)
    }

    /// Returns the open prompts, the prompts whose answer waits for the service, and the prompts whose outcome arrived
    /// in the last minute. Oldest first.
    pub(crate) fn live_prompts(&self, now: Timestamp) -> Result<Vec<PromptRecord>, Error> {
        self.prompts_where(
            "state = 'answering' OR (state = 'open' AND expires_at > ?1) OR done_at > ?2 ORDER BY received_at, rowid",
            params![to_integer(now)?, to_integer(Timestamp(now.0.saturating_sub(SHOWN_AFTER)))?],
        )
    }

    /// Returns the prompts of an account that are not answered, including expired prompts that `sweep_prompts` has not
    /// deleted yet.
    pub(crate) fn open_prompts_of(&self, account: &AccountId) -> Result<Vec<PromptRecord>, Error> {
        self.prompts_where("account = ?1 AND state = 'open'", params![account.0])
    }

    fn prompts_where(&self, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<PromptRecord>, Error> {
        let sql = format!(
            "SELECT account, jti, jws, received_by, received_at, quiet, expires_at, state, outcome
             FROM prompts WHERE {condition}"
        );
        let mut statement = self.connection.prepare(&sql)?;
        readable(statement.query(values)?, "prompt", |row| {
            let id = PromptId { account: AccountId(row.get("account")?), jti: row.get("jti")? };
            let delivery = || Ok(self.delivery(&id)?.unwrap_or(Delivery::Sent));
            Ok(PromptRecord {
                jws: row.get("jws")?,
                received_by: from_json(&row.get::<_, String>("received_by")?)?,
                received_at: from_integer(row.get("received_at")?),
                expires_at: from_integer(row.get("expires_at")?),
                state: read_state(&row.get::<_, String>("state")?, row.get("outcome")?, delivery)?,
                quiet: row.get::<_, Option<String>>("quiet")?.as_deref().map(from_json).transpose()?,
                id,
            })
        })
    }

    /// Changes the state of a prompt from open to answering. Returns false when the prompt was not open.
    ///
    /// This is one SQL statement, so only one of two processes with the same database can answer a prompt.
    pub(crate) fn begin_answering(&self, id: &PromptId) -> Result<bool, Error> {
        let changed = self.connection.execute(
            // GUARD(answered-once-across-processes): two_processes_answer_each_prompt_once
            // INSTEAD: "UPDATE prompts SET state = 'answering' WHERE account = ?1 AND jti = ?2",
            "UPDATE prompts SET state = 'answering' WHERE account = ?1 AND jti = ?2 AND state = 'open'",
            params![id.account.0, id.jti],
        )?;
        Ok(changed == 1)
    }

    /// Stores the outcome of a prompt. Screens still show the prompt for a minute.
    pub(crate) fn finish_prompt(&self, id: &PromptId, outcome: Outcome, now: Timestamp) -> Result<(), Error> {
        self.connection.execute(
            "UPDATE prompts SET state = 'done', outcome = ?3, done_at = ?4 WHERE account = ?1 AND jti = ?2",
            params![id.account.0, id.jti, to_json(&outcome)?, to_integer(now)?],
        )?;
        Ok(())
    }

    /// Deletes an open prompt that was withdrawn, or that the service no longer lists. Returns false when the prompt is
    /// not open: an answered prompt stays.
    pub(crate) fn delete_open_prompt(&self, id: &PromptId) -> Result<bool, Error> {
        let deleted = self.connection.execute(
            "DELETE FROM prompts WHERE account = ?1 AND jti = ?2 AND state = 'open'",
            params![id.account.0, id.jti],
        )?;
        Ok(deleted == 1)
    }

    /// Deletes every prompt of an account that the service has removed.
    pub(crate) fn delete_prompts_of(&self, account: &AccountId) -> Result<(), Error> {
        self.connection.execute("DELETE FROM prompts WHERE account = ?1", [&account.0])?;
        Ok(())
    }

    /// Stores a withdrawal until its prompt expires, so that a late push can't show the prompt again.
    pub(crate) fn insert_withdrawn(&self, id: &PromptId, expires_at: Timestamp) -> Result<(), Error> {
        self.connection.execute(
            "INSERT OR IGNORE INTO withdrawn (account, jti, expires_at) VALUES (?1, ?2, ?3)",
            params![id.account.0, id.jti, to_integer(expires_at)?],
        )?;
        Ok(())
    }

    /// Deletes each prompt a day after it expires, because a prompt can still be reported during this day. Keeps
    /// prompts that wait for their outcome. Also deletes withdrawals of expired prompts.
    pub(crate) fn sweep_prompts(&self, now: Timestamp) -> Result<(), Error> {
        const REPORTABLE: u64 = 24 * 60 * 60;
        let day_ago = to_integer(Timestamp(now.0.saturating_sub(REPORTABLE)))?;
        self.connection.execute("DELETE FROM prompts WHERE state != 'answering' AND expires_at < ?1", [day_ago])?;
        self.connection.execute("DELETE FROM withdrawn WHERE expires_at < ?1", [to_integer(now)?])?;
        Ok(())
    }

    /// Whether the account is still on this phone, whatever its state.
    pub(crate) fn account_exists(&self, id: &AccountId) -> Result<bool, Error> {
        let found: Option<i64> =
            self.connection.query_row("SELECT 1 FROM accounts WHERE id = ?1", [&id.0], |row| row.get(0)).optional()?;
        Ok(found.is_some())
    }
}

fn read_state(
    state: &str,
    outcome: Option<String>,
    delivery: impl FnOnce() -> Result<Delivery, Error>,
) -> Result<PromptState, Error> {
    match (state, outcome) {
        ("open", None) => Ok(PromptState::Open),
        ("answering", None) => Ok(PromptState::Answering { delivery: delivery()? }),
        ("done", Some(outcome)) => Ok(PromptState::Done { outcome: from_json(&outcome)? }),
        _ => Err(Error::Store(StoreFault::Record)),
    }
}
