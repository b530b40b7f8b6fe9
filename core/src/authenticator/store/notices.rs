//! The table of notices. A notice is shown until it is dismissed. A dismissed notice stays stored for as long as the
//! service may send it again.

use rusqlite::params;

use crate::authenticator::error::Error;
use crate::authenticator::store::accounts::{from_integer, from_json, to_integer, to_json};
use crate::authenticator::store::{Tables, readable};
use crate::base::clock::Timestamp;
use crate::values::account::{AccountId, Notice};

/// How long a dismissed notice stays stored, in seconds from the time of the notice: 40 days. The service deletes its
/// notices after 30 days. So this phone deletes a notice only after the service can no longer send it again.
const REMEMBERED: u64 = 40 * 24 * 60 * 60;

impl Tables<'_> {
    /// Stores a notice. A notice that is already stored, dismissed or not, stays as it is.
    pub(crate) fn insert_notice(&self, notice: &Notice) -> Result<(), Error> {
        self.connection.execute(
            "INSERT OR IGNORE INTO notices (account, id, kind, at) VALUES (?1, ?2, ?3, ?4)",
            params![notice.account.0, notice.id, to_json(&notice.kind)?, to_integer(notice.at)?],
        )?;
        Ok(())
    }

    /// Returns the notices that the person has not dismissed, newest first.
    pub(crate) fn notices(&self) -> Result<Vec<Notice>, Error> {
        let sql = "SELECT account, id, kind, at FROM notices WHERE dismissed = 0 ORDER BY at DESC, rowid DESC";
        let mut statement = self.connection.prepare(sql)?;
        readable(statement.query([])?, "notice", |row| {
            Ok(Notice {
                account: AccountId(row.get("account")?),
                id: row.get("id")?,
                kind: from_json(&row.get::<_, String>("kind")?)?,
                at: from_integer(row.get("at")?),
            })
        })
    }

    /// Marks a notice as dismissed. Returns false when the notice is unknown or was already dismissed.
    pub(crate) fn dismiss_notice(&self, account: &AccountId, id: &str) -> Result<bool, Error> {
        let changed = self.connection.execute(
            "UPDATE notices SET dismissed = 1 WHERE account = ?1 AND id = ?2 AND dismissed = 0",
            params![account.0, id],
        )?;
        Ok(changed == 1)
    }

    /// Deletes dismissed notices that the service no longer sends.
    pub(crate) fn sweep_notices(&self, now: Timestamp) -> Result<(), Error> {
        let oldest = to_integer(Timestamp(now.0.saturating_sub(REMEMBERED)))?;
        self.connection.execute("DELETE FROM notices WHERE dismissed = 1 AND at < ?1", [oldest])?;
        Ok(())
    }
}
