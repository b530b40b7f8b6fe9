//! Temporary access passes: a way to add a phone without a password, once and for a short while.
//!
//! A pass never opens an application by itself. It is stored hashed, made by an administrator or, with step-up,
//! by the person, and a newer one ends the older.

use serde::{Deserialize, Serialize};

use crate::audit;
use crate::clock::{DAY, MINUTE, Time};
use crate::notices;
use crate::secrets::{crockford, crockford_read, hashed};
use crate::store::{Record, StoreError, Table, Tx};

/// Longest life.
pub const MAX_LIFE: Time = 60 * MINUTE;
/// Furthest start.
pub const MAX_AHEAD: Time = 30 * DAY;
/// 60 bits: far more than an hour of guessing.
const LENGTH: usize = 12;

/// A pass.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pass {
    /// Account and text, hashed.
    pub id: String,
    /// Whose.
    pub account_id: String,
    /// From when on it counts.
    pub starts_at: Time,
    /// Until when.
    pub ends_at: Time,
    /// When it was used.
    pub used_at: Option<Time>,
}

impl Record for Pass {
    const TABLE: Table = Table::Passes;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        // Kept past its end: whoever holds it is told what is wrong with it.
        Some(self.ends_at + DAY)
    }
}

/// What a typed pass is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It counts, now and never again.
    Good,
    /// It counts later.
    NotYet,
    /// Its time is over.
    Expired,
    /// It was used.
    Used,
    /// Nobody made it, or a newer one ended it.
    Unknown,
}

/// When a pass counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From when on.
    pub starts_at: Time,
    /// For how long, in seconds; at most an hour.
    pub life: Time,
}

impl Span {
    /// From now on, for the longest life.
    #[must_use]
    pub fn from(now: Time) -> Self {
        Self { starts_at: now, life: MAX_LIFE }
    }

    /// Whether a pass may be made for it.
    #[must_use]
    pub fn is_allowed(self, now: Time) -> bool {
        (MINUTE..=MAX_LIFE).contains(&self.life) && (now..=now + MAX_AHEAD).contains(&self.starts_at)
    }
}

fn id_of(account_id: &str, text: &str) -> String {
    hashed(format!("{account_id} {text}").as_bytes())
}

/// Makes a pass; returns its text, three groups of four, which nothing keeps.
pub fn make(tx: &mut Tx<'_>, account_id: &str, span: Span, by: &str, now: Time) -> Result<String, StoreError> {
    let text = crockford(LENGTH).map_err(|_none| StoreError::Stopped)?;
    end(tx, account_id)?;
    tx.put(&Pass {
        id: id_of(account_id, &text),
        account_id: account_id.to_owned(),
        starts_at: span.starts_at,
        ends_at: span.starts_at + span.life,
        used_at: None,
    })?;
    audit::record(tx, account_id, "pass_created", by, now)?;
    notices::tell(tx, account_id, None, notices::Kind::PassCreated, now)?;
    let groups: Vec<String> =
        text.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok(groups.join("-"))
}

/// Ends the passes of an account that nobody has used.
pub fn end(tx: &mut Tx<'_>, account_id: &str) -> Result<(), StoreError> {
    for pass in tx.children::<Pass>(account_id)? {
        if pass.used_at.is_none() {
            tx.delete::<Pass>(&pass.id)?;
        }
    }
    Ok(())
}

/// What a typed pass is worth; a good one is used up by it.
pub fn take(tx: &mut Tx<'_>, account_id: &str, typed: &str, now: Time) -> Result<Worth, StoreError> {
    let Some(text) = crockford_read(typed) else {
        return Ok(Worth::Unknown);
    };
    let Some(mut pass) = tx.get::<Pass>(&id_of(account_id, &text))? else {
        return Ok(Worth::Unknown);
    };
    let worth = worth(&pass, now);
    if worth == Worth::Good {
        pass.used_at = Some(now);
        tx.put(&pass)?;
        audit::record(tx, account_id, "pass_used", "", now)?;
    }
    Ok(worth)
}

/// What a pass is worth at a time.
#[must_use]
pub fn worth(pass: &Pass, now: Time) -> Worth {
    if pass.used_at.is_some() {
        Worth::Used
    } else if now >= pass.ends_at {
        Worth::Expired
    } else if now < pass.starts_at {
        Worth::NotYet
    } else {
        Worth::Good
    }
}
