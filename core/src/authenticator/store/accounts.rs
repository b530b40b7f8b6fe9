//! The table of accounts. Push keys are sealed; public keys, names and service data are not.

use std::cell::RefCell;

use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension, Row, params};

use crate::authenticator::error::{Error, StoreFault};
use crate::authenticator::records::account::{AccountRecord, SignInKey, StoredState, Trouble};
use crate::authenticator::records::listed_account::ListedAccount;
use crate::authenticator::records::push_times::RENEW_AFTER;
use crate::authenticator::store::{Tables, readable};
use crate::base::clock::Timestamp;
use crate::base::jose::PublicKey;
use crate::base::seal::Place;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::messages::Policy;
use crate::protocol::push_message::{POINT_LEN, PushKeys};
use crate::values::account::{AccountId, RemovalCause};
use crate::values::fatigue::Memory;
use crate::values::issuer::Issuer;

/// The keys of an active account, by their names in the key store.
pub(crate) struct KeyNames {
    pub(crate) account: AccountId,
    pub(crate) device: String,
    pub(crate) sign_in: Option<String>,
}

/// The columns of `ListedAccount`, in the order of `read_listed`.
const LISTED_COLUMNS: &str = "id, issuer, user_name, organization, state, cause, added_at, sign_in_alias IS NOT NULL, \
                              policy, trouble, memory, push_keys";
/// The columns of `AccountRecord`, in the order of `insert_account` and `read_account`.
const COLUMNS: &str = "id, issuer, account_id, user_name, organization, device_id, state, cause, key_alias, device_key, slot, \
                       push_keys, push_point, endpoints, service_keys, clock_offset, added_at, sign_in_alias, sign_in_key, sign_in_guard, \
                       policy, trouble, memory, push_renew_at";

fn sealed_at(row: &str) -> Place<'_> {
    Place { table: "accounts", row, column: "push_keys" }
}

impl Tables<'_> {
    /// Inserts an account. Its push address was just made, so the address is renewed in 30 days.
    ///
    /// # Errors
    /// `Store` when the database fails, or when another account has the same id, the same slot, or the same issuer and
    /// device id.
    pub(crate) fn insert_account(&self, account: &AccountRecord) -> Result<(), Error> {
        self.outdate_slot(&account.slot)?;
        let (state, cause) = state_columns(account.state)?;
        // EXPOSE: sealed here.
        let sealed = self.sealer.seal(&sealed_at(&account.id.0), account.push_keys.to_bytes().expose())?;
        self.connection.execute(
            &format!(
                "INSERT INTO accounts ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)"
            ),
            params![
                account.id.0,
                account.issuer.as_str(),
                account.account_id,
                account.user_name,
                account.organization,
                account.device_id,
                state,
                cause,
                account.key_alias,
                account.device_key.as_sec1(),
                account.slot,
                sealed,
                account.push_keys.point(),
                to_json(&account.endpoints)?,
                to_json(&account.service_keys)?,
                account.clock_offset,
                to_integer(account.added_at)?,
                account.sign_in.as_ref().map(|sign_in| sign_in.alias.as_str()),
                account.sign_in.as_ref().map(|sign_in| sign_in.key.as_sec1()),
                account.sign_in.as_ref().map(|sign_in| to_json(&sign_in.guard)).transpose()?,
                account.policy.as_ref().map(to_json).transpose()?,
                account.trouble.as_ref().map(to_json).transpose()?,
                to_json(&account.memory)?,
                to_integer(account.added_at.plus(RENEW_AFTER))?,
            ],
        )?;
        Ok(())
    }

    /// Returns every readable account, oldest first, including pending and removed accounts.
    pub(crate) fn accounts(&self) -> Result<Vec<AccountRecord>, Error> {
        let mut statement =
            self.connection.prepare(&format!("SELECT {COLUMNS} FROM accounts ORDER BY added_at, rowid"))?;
        readable(statement.query([])?, "account", |row| self.read_account(row))
    }

    /// Returns an account by its id on this phone.
    ///
    /// # Errors
    /// `UnknownAccount`; `Store(Record)` when the record can't be read.
    pub(crate) fn account(&self, id: &AccountId) -> Result<AccountRecord, Error> {
        self.account_where("id = ?1", &id.0)?.ok_or(Error::UnknownAccount)
    }

    /// Returns the account with this push slot; `None` when no account has it.
    pub(crate) fn account_by_slot(&self, slot: &[u8]) -> Result<Option<AccountRecord>, Error> {
        self.account_where("slot = ?1", &slot)
    }

    fn account_where(&self, condition: &str, value: &dyn rusqlite::ToSql) -> Result<Option<AccountRecord>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM accounts WHERE {condition}");
        let found = self.connection.query_row(&sql, [value], |row| Ok(self.read_account(row))).optional()?;
        found.transpose()
    }

    /// As `accounts`, but only what screens show.
    pub(crate) fn listed_accounts(&self) -> Result<Vec<ListedAccount>, Error> {
        let mut statement =
            self.connection.prepare(&format!("SELECT {LISTED_COLUMNS} FROM accounts ORDER BY added_at, rowid"))?;
        // Many accounts of a phone have the same issuer, which is then parsed once.
        let last = RefCell::new(None);
        readable(statement.query([])?, "account", |row| self.read_listed(row, &mut last.borrow_mut()))
    }

    /// Reads the columns `LISTED_COLUMNS`. `last` is the issuer of the row before, if there was one.
    fn read_listed(&self, row: &Row<'_>, last: &mut Option<Issuer>) -> Result<ListedAccount, Error> {
        let mut columns = Columns::of(row);
        let (id, text): (String, String) = (columns.next()?, columns.next()?);
        let issuer = match last.take().filter(|last| last.as_str() == text) {
            Some(same) => same,
            None => read_issuer(&text)?,
        };
        *last = Some(issuer.clone());
        let listed = ListedAccount {
            id: AccountId(id),
            issuer,
            user_name: columns.next()?,
            organization: columns.next()?,
            state: read_state(&columns.next::<String>()?, columns.next()?)?,
            added_at: from_integer(columns.next()?),
            has_sign_in_key: columns.next()?,
            policy: columns.next::<Option<String>>()?.as_deref().map(from_json).transpose()?,
            trouble: columns.next::<Option<String>>()?.as_deref().map(from_json).transpose()?,
            memory: read_memory(columns.next()?),
        };
        // An account that can't receive prompts is not shown, as if its whole record were unreadable.
        self.sealer.open(&sealed_at(&listed.id.0), &columns.next::<Vec<u8>>()?)?;
        Ok(listed)
    }

    /// Returns the key store's names for the keys of each active account.
    pub(crate) fn key_names(&self) -> Result<Vec<KeyNames>, Error> {
        let mut statement =
            self.connection.prepare("SELECT id, key_alias, sign_in_alias FROM accounts WHERE state = 'active'")?;
        readable(statement.query([])?, "account", |row| {
            Ok(KeyNames { account: AccountId(row.get(0)?), device: row.get(1)?, sign_in: row.get(2)? })
        })
    }

    /// Reads the columns `COLUMNS`.
    fn read_account(&self, row: &Row<'_>) -> Result<AccountRecord, Error> {
        let mut columns = Columns::of(row);
        let id: String = columns.next()?;
        Ok(AccountRecord {
            issuer: read_issuer(&columns.next::<String>()?)?,
            account_id: columns.next()?,
            user_name: columns.next()?,
            organization: columns.next()?,
            device_id: columns.next()?,
            state: read_state(&columns.next::<String>()?, columns.next()?)?,
            key_alias: columns.next()?,
            device_key: PublicKey::from_sec1(&columns.next::<Vec<u8>>()?).map_err(|_malformed| unreadable())?,
            slot: columns.next()?,
            push_keys: self.read_push_keys(&id, columns.next()?, columns.next()?)?,
            endpoints: from_json(&columns.next::<String>()?)?,
            service_keys: from_json(&columns.next::<String>()?)?,
            clock_offset: columns.next()?,
            added_at: from_integer(columns.next()?),
            sign_in: read_sign_in(columns.next()?, columns.next()?, columns.next()?)?,
            policy: columns.next::<Option<String>>()?.as_deref().map(from_json).transpose()?,
            trouble: columns.next::<Option<String>>()?.as_deref().map(from_json).transpose()?,
            memory: read_memory(columns.next()?),
            id: AccountId(id),
        })
    }

    /// Returns the push keys of an account from its columns `push_keys` and `push_point`.
    pub(super) fn read_push_keys(
        &self,
        id: &str,
        sealed: Vec<u8>,
        point: Option<[u8; POINT_LEN]>,
    ) -> Result<PushKeys, Error> {
        let opened = self.sealer.open(&sealed_at(id), &sealed)?;
        let keys = PushKeys::from_bytes(&opened).map_err(|_malformed| unreadable())?;
        Ok(match point {
            Some(point) => keys.with_point(point),
            None => keys,
        })
    }

    /// Sets the state of an account. For the state `Removed`, also retires all its keys.
    pub(crate) fn set_account_state(&self, id: &AccountId, state: StoredState) -> Result<(), Error> {
        self.outdate(id)?;
        if matches!(state, StoredState::Removed(_)) {
            self.retire_keys_of(id)?;
        }
        let (state, cause) = state_columns(state)?;
        self.connection
            .execute("UPDATE accounts SET state = ?2, cause = ?3 WHERE id = ?1", params![id.0, state, cause])?;
        Ok(())
    }

    /// Stores the sign-in key; `None` turns phone sign-in off. Retires the previous sign-in key, unless the new key has
    /// the same alias.
    pub(crate) fn set_sign_in(&self, id: &AccountId, sign_in: Option<&SignInKey>) -> Result<(), Error> {
        let before: Option<String> =
            self.connection.query_row("SELECT sign_in_alias FROM accounts WHERE id = ?1", [&id.0], |row| row.get(0))?;
        if let Some(before) = before.filter(|before| sign_in.is_none_or(|sign_in| sign_in.alias != *before)) {
            self.retire_key(&before, id)?;
        }
        self.connection.execute(
            "UPDATE accounts SET sign_in_alias = ?2, sign_in_key = ?3, sign_in_guard = ?4 WHERE id = ?1",
            params![
                id.0,
                sign_in.map(|sign_in| sign_in.alias.as_str()),
                sign_in.map(|sign_in| sign_in.key.as_sec1()),
                sign_in.map(|sign_in| to_json(&sign_in.guard)).transpose()?,
            ],
        )?;
        Ok(())
    }

    /// Stores the policy of a signed state.
    pub(crate) fn set_policy(&self, id: &AccountId, policy: &Policy) -> Result<(), Error> {
        self.connection.execute("UPDATE accounts SET policy = ?2 WHERE id = ?1", params![id.0, to_json(policy)?])?;
        Ok(())
    }

    /// Stores the problem that keeps the account from working; `None` when there is no problem. An unknown account is
    /// ignored.
    pub(crate) fn set_trouble(&self, id: &AccountId, trouble: Option<Trouble>) -> Result<(), Error> {
        let trouble = trouble.as_ref().map(to_json).transpose()?;
        self.connection.execute("UPDATE accounts SET trouble = ?2 WHERE id = ?1", params![id.0, trouble])?;
        Ok(())
    }

    /// Returns the fatigue guard's memory of an account.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub(crate) fn memory(&self, id: &AccountId) -> Result<Memory, Error> {
        let known: Option<Option<String>> = self
            .connection
            .query_row("SELECT memory FROM accounts WHERE id = ?1", [&id.0], |row| row.get(0))
            .optional()?;
        Ok(read_memory(known.ok_or(Error::UnknownAccount)?))
    }

    /// Changes the fatigue guard's memory of an account. If the memory is then different, the account's file for the
    /// notification extension is written again after the transaction.
    ///
    /// # Errors
    /// `UnknownAccount`, `Store`.
    pub(crate) fn remember<T>(&self, id: &AccountId, change: impl FnOnce(&mut Memory) -> T) -> Result<T, Error> {
        let before = self.memory(id)?;
        let mut memory = before.clone();
        let value = change(&mut memory);
        if memory != before {
            self.outdate(id)?;
            self.connection
                .execute("UPDATE accounts SET memory = ?2 WHERE id = ?1", params![id.0, to_json(&memory)?])?;
        }
        Ok(value)
    }

    /// Stores the service's clock minus this phone's, in seconds.
    pub(crate) fn set_clock_offset(&self, id: &AccountId, offset: i64) -> Result<(), Error> {
        self.outdate(id)?;
        self.connection.execute("UPDATE accounts SET clock_offset = ?2 WHERE id = ?1", params![id.0, offset])?;
        Ok(())
    }

    /// Stores new service keys. The caller has verified that they continue the stored keys.
    pub(crate) fn set_service_keys(&self, id: &AccountId, keys: &ServiceKeys) -> Result<(), Error> {
        self.outdate(id)?;
        self.connection
            .execute("UPDATE accounts SET service_keys = ?2 WHERE id = ?1", params![id.0, to_json(keys)?])?;
        Ok(())
    }

    /// Whether the account's key chain may be fetched now: true at most once in `interval` seconds. If true, stores
    /// `now` as the time of the fetch.
    ///
    /// # Security
    /// Limits the number of requests that an attacker can cause with random key ids.
    pub(crate) fn may_ask_for_keys(&self, id: &AccountId, now: Timestamp, interval: u64) -> Result<bool, Error> {
        let changed = self.connection.execute(
            // GUARD(keys-storm): j9_unknown_keys_cause_one_key_request_in_five_minutes
            // INSTEAD: "UPDATE accounts SET keys_asked_at = ?2 WHERE id = ?1 AND ?3 > 0",
            "UPDATE accounts SET keys_asked_at = ?2 WHERE id = ?1 AND abs(?2 - keys_asked_at) >= ?3",
            params![id.0, to_integer(now)?, to_integer(Timestamp(interval))?],
        )?;
        Ok(changed == 1)
    }

    /// Whether an unreadable push may cause a fetch now: true at most once in `interval` seconds. If true, stores `now`
    /// as the time of the fetch.
    ///
    /// # Security
    /// Limits the number of requests, and the battery use, that malformed pushes can cause.
    pub(crate) fn may_fetch_for_push(&self, id: &AccountId, now: Timestamp, interval: u64) -> Result<bool, Error> {
        let changed = self.connection.execute(
            // GUARD(unreadable-push-storm): j9_unreadable_pushes_cause_one_fetch_in_thirty_seconds
            // INSTEAD: "UPDATE accounts SET push_fetch_at = ?2 WHERE id = ?1 AND ?3 > 0",
            "UPDATE accounts SET push_fetch_at = ?2 WHERE id = ?1 AND abs(?2 - push_fetch_at) >= ?3",
            params![id.0, to_integer(now)?, to_integer(Timestamp(interval))?],
        )?;
        Ok(changed == 1)
    }

    /// Deletes an account with its prompts, withdrawals, notices and registration (by foreign keys), and retires its
    /// keys. Entries of the outbox stay.
    pub(crate) fn delete_account(&self, id: &AccountId) -> Result<(), Error> {
        self.outdate(id)?;
        self.retire_keys_of(id)?;
        self.connection.execute("DELETE FROM accounts WHERE id = ?1", [&id.0])?;
        Ok(())
    }
}

/// Reads the columns of a row in their order. A column's name would be searched among all names.
pub(super) struct Columns<'a> {
    row: &'a Row<'a>,
    at: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn of(row: &'a Row<'a>) -> Self {
        Self { row, at: 0 }
    }

    pub(super) fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let value = self.row.get(self.at);
        self.at = self.at.saturating_add(1);
        value
    }
}

fn unreadable() -> Error {
    Error::Store(StoreFault::Record)
}

pub(super) fn read_issuer(text: &str) -> Result<Issuer, Error> {
    Issuer::parse(text).map_err(|_malformed| unreadable())
}

fn read_sign_in(
    alias: Option<String>,
    key: Option<Vec<u8>>,
    guard: Option<String>,
) -> Result<Option<SignInKey>, Error> {
    match (alias, key, guard) {
        (None, None, None) => Ok(None),
        (Some(alias), Some(key), Some(guard)) => Ok(Some(SignInKey {
            alias,
            key: PublicKey::from_sec1(&key).map_err(|_malformed| unreadable())?,
            guard: from_json(&guard)?,
        })),
        _ => Err(unreadable()),
    }
}

/// Parses the fatigue guard's memory. An unreadable memory counts as empty: the account can still be used, and its
/// prompts alert.
pub(super) fn read_memory(text: Option<String>) -> Memory {
    text.and_then(|text| from_json(&text).ok()).unwrap_or_default()
}

fn state_columns(state: StoredState) -> Result<(&'static str, Option<String>), Error> {
    Ok(match state {
        StoredState::Pending => ("pending", None),
        StoredState::Active => ("active", None),
        StoredState::Removed(cause) => ("removed", Some(to_json(&cause)?)),
    })
}

fn read_state(state: &str, cause: Option<String>) -> Result<StoredState, Error> {
    match (state, cause) {
        ("pending", None) => Ok(StoredState::Pending),
        ("active", None) => Ok(StoredState::Active),
        ("removed", Some(cause)) => Ok(StoredState::Removed(from_json::<RemovalCause>(&cause)?)),
        _ => Err(Error::Store(StoreFault::Record)),
    }
}

/// Serializes a value for a JSON column.
///
/// # Errors
/// `Store(Record)`.
pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_unserializable| Error::Store(StoreFault::Record))
}

/// Parses a JSON column.
///
/// # Errors
/// `Store(Record)` when the text can't be parsed as `T`: the record is damaged, or a newer version wrote it.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_malformed| Error::Store(StoreFault::Record))
}

/// Converts a time in seconds to SQLite's signed integer.
///
/// # Errors
/// `Store(Record)` when the time is too large.
pub(super) fn to_integer(time: Timestamp) -> Result<i64, Error> {
    i64::try_from(time.0).map_err(|_too_large| Error::Store(StoreFault::Record))
}

/// Converts a stored time back. A negative time counts as 0.
pub(super) fn from_integer(time: i64) -> Timestamp {
    Timestamp(u64::try_from(time).unwrap_or(0))
}
