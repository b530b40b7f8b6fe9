//! The accounts' files for the notification extension: which of them are outdated.
//!
//! A transaction that changes an account's file marks the account, and the file is written after the commit without
//! waiting for the disk. If the process is killed before, or the power fails, the mark is still there: the next start
//! writes the file again, durably, and removes the mark. So a prompt costs no more than its commit, and the start writes
//! only the accounts that the last process has changed.

use rusqlite::{Row, params};

use crate::authenticator::error::Error;
use crate::authenticator::store::accounts::{Columns, from_json, read_issuer, read_memory};
use crate::authenticator::store::{Tables, readable};
use crate::inbox::{InboxDurability, InboxRecipient, Keeper};
use crate::protocol::verify::Audience;
use crate::values::account::AccountId;

/// The names of the marks in the table `meta` begin with this text. The slot follows in hexadecimal.
const MARK: &str = "outdated/";

/// The columns of `InboxRecipient`, in the order of `read_recipient`.
const RECIPIENT_COLUMNS: &str =
    "id, issuer, account_id, user_name, device_id, slot, push_keys, push_point, service_keys, clock_offset, memory";

/// An account whose file is outdated.
pub(super) struct Outdated {
    slot: Vec<u8>,
    /// What the extension needs. `None` for an account that gets no pushes.
    recipient: Option<InboxRecipient>,
}

impl Outdated {
    /// Writes the account's file. Returns whether this succeeded; a failure is logged.
    pub(super) fn write(&self, inbox: &Keeper, durability: InboxDurability) -> bool {
        let written = inbox.leave(&self.slot, self.recipient.as_ref(), durability);
        if let Err(error) = &written {
            tracing::warn!(kind = ?error.kind(), "an account could not be written for the extension");
        }
        written.is_ok()
    }
}

impl Tables<'_> {
    /// Marks the file of an account as outdated. An unknown account is ignored.
    pub(super) fn outdate(&self, id: &AccountId) -> Result<(), Error> {
        let mut statement = self.connection.prepare("SELECT slot FROM accounts WHERE id = ?1")?;
        let slots: Vec<Vec<u8>> = statement.query_map([&id.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
        slots.iter().try_for_each(|slot| self.outdate_slot(slot))
    }

    /// As `outdate`, for the account with this slot.
    pub(super) fn outdate_slot(&self, slot: &[u8]) -> Result<(), Error> {
        let sql = "INSERT OR IGNORE INTO meta (key, value) VALUES (?1 || hex(?2), ?2)";
        self.connection.prepare(sql)?.execute(params![MARK, slot])?;
        self.outdated.borrow_mut().insert(slot.to_owned());
        Ok(())
    }

    /// Returns the accounts that this transaction has marked.
    pub(super) fn outdated_in_transaction(&self) -> Result<Vec<Outdated>, Error> {
        let slots = self.outdated.take().into_iter();
        slots.map(|slot| Ok(Outdated { recipient: self.recipient(&slot)?, slot })).collect()
    }

    /// Writes the outdated files, and removes their marks. A file that can't be written stays marked.
    pub(super) fn write_outdated(&self, inbox: &Keeper) -> Result<(), Error> {
        let marked: Vec<Vec<u8>> = self
            .connection
            .prepare("SELECT value FROM meta WHERE key >= ?1 AND key < ?1 || 'g'")?
            .query_map([MARK], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if inbox.needs_all() {
            if let Err(error) = inbox.leave_all(&self.recipients()?) {
                tracing::warn!(kind = ?error.kind(), "the accounts could not be written for the extension");
                return Ok(());
            }
            marked.iter().try_for_each(|slot| self.remove_mark(slot))
        } else {
            for slot in marked {
                let outdated = Outdated { recipient: self.recipient(&slot)?, slot };
                if outdated.write(inbox, InboxDurability::Full) {
                    self.remove_mark(&outdated.slot)?;
                }
            }
            Ok(())
        }
    }

    fn remove_mark(&self, slot: &[u8]) -> Result<(), Error> {
        self.connection.execute("DELETE FROM meta WHERE key = ?1 || hex(?2)", params![MARK, slot])?;
        Ok(())
    }

    /// Returns, for each active account that is readable, the data that the notification extension needs.
    fn recipients(&self) -> Result<Vec<InboxRecipient>, Error> {
        let sql = format!("SELECT {RECIPIENT_COLUMNS} FROM accounts WHERE state = 'active'");
        readable(self.connection.prepare(&sql)?.query([])?, "account", |row| self.read_recipient(row))
    }

    /// As `recipients`, for the account with this slot. `None` also when its record can't be read.
    fn recipient(&self, slot: &[u8]) -> Result<Option<InboxRecipient>, Error> {
        let sql = format!("SELECT {RECIPIENT_COLUMNS} FROM accounts WHERE slot = ?1 AND state = 'active'");
        let mut found =
            readable(self.connection.prepare(&sql)?.query([slot])?, "account", |row| self.read_recipient(row))?;
        Ok(found.pop())
    }

    /// Reads the columns `RECIPIENT_COLUMNS`.
    fn read_recipient(&self, row: &Row<'_>) -> Result<InboxRecipient, Error> {
        let mut columns = Columns::of(row);
        let id: String = columns.next()?;
        let (issuer, account_id) = (read_issuer(&columns.next::<String>()?)?, columns.next()?);
        let (user_name, device_id) = (columns.next()?, columns.next()?);
        Ok(InboxRecipient {
            slot: columns.next()?,
            push_keys: self.read_push_keys(&id, columns.next()?, columns.next()?)?,
            audience: Audience {
                account: AccountId(id),
                issuer,
                device_id,
                account_id,
                user_name,
                service_keys: from_json(&columns.next::<String>()?)?,
                clock_offset: columns.next()?,
            },
            memory: read_memory(columns.next()?),
        })
    }
}
