//! What is stored of browsers: attempts to sign in, sessions, browsers known to an account.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::sign_in::attempt::Attempt;
use crate::sign_in::session::Session;
use crate::store::{Record, StoreError, Table, Tx};

const KNOWN_LIFE: Time = 90 * DAY;

impl Record for Attempt {
    const TABLE: Table = Table::Attempts;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        ""
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Record for Session {
    const TABLE: Table = Table::Sessions;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

/// A browser that an account has used before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownBrowser {
    /// Its cookie, hashed, with the account: one browser may be known to several.
    pub id: String,
    /// To whom.
    pub account_id: String,
    /// When it is forgotten.
    pub expires_at: Time,
}

impl Record for KnownBrowser {
    const TABLE: Table = Table::KnownBrowsers;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl KnownBrowser {
    /// Known from now on.
    #[must_use]
    pub fn new(cookie: &str, account_id: &str, now: Time) -> Self {
        let id = Self::id_of(cookie, account_id);
        Self { id, account_id: account_id.to_owned(), expires_at: now + KNOWN_LIFE }
    }

    /// Its id for a cookie and an account.
    #[must_use]
    pub fn id_of(cookie: &str, account_id: &str) -> String {
        crate::secrets::hashed(format!("{account_id} {cookie}").as_bytes())
    }
}

/// Keeps what changed in a session, unless it was ended meanwhile: a report must not be undone by a page that
/// was still at work.
pub fn keep_session(tx: &mut Tx<'_>, session: &Session) -> Result<(), StoreError> {
    match tx.get::<Session>(&session.id)? {
        Some(_still_there) => tx.put(session),
        None => Ok(()),
    }
}
