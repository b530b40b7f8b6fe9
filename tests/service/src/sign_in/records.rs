//! What is stored of browsers: attempts to sign in, sessions, browsers known to an account.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, HOUR, MINUTE, Time};
use crate::enrollment;
use crate::openid::records::{AuthorizationRequest, Token};
use crate::store::{Record, StoreError, Table, Tx};

const ATTEMPT_LIFE: Time = 30 * MINUTE;
const SESSION_LIFE: Time = 8 * HOUR;
const KNOWN_LIFE: Time = 90 * DAY;
/// An approval this young lets a session change its methods.
const FRESH: Time = 10 * MINUTE;
/// A proven password may start further requests this long.
const PASSWORD_LIFE: Time = 10 * MINUTE;

/// One browser's attempt to sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// Its cookie, hashed.
    pub id: String,
    /// When it ends.
    pub expires_at: Time,
    /// The name that was typed.
    pub user_name: Option<String>,
    /// Whose password was right, and when.
    pub proven: Option<(String, Time)>,
    /// The ceremony that waits.
    pub ceremony: Option<String>,
    /// Which application is waiting.
    pub request: Option<AuthorizationRequest>,
}

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

impl Attempt {
    /// A fresh one.
    #[must_use]
    pub fn new(id: String, now: Time) -> Self {
        Self { id, expires_at: now + ATTEMPT_LIFE, user_name: None, proven: None, ceremony: None, request: None }
    }

    /// Whose password was right a short while ago.
    #[must_use]
    pub fn account(&self, now: Time) -> Option<&str> {
        self.proven.as_ref().filter(|(_, at)| now - at < PASSWORD_LIFE).map(|(account, _)| account.as_str())
    }
}

/// A signed-in browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Its cookie, hashed.
    pub id: String,
    /// Whose.
    pub account_id: String,
    /// When it ends.
    pub expires_at: Time,
    /// When the person proved who they are.
    pub authenticated_at: Time,
    /// When a number was last approved for it.
    pub approved_at: Option<Time>,
    /// The wizard that is open.
    pub enrollment: Option<String>,
    /// The ceremony that waits.
    pub ceremony: Option<String>,
    /// The device that is about to be removed.
    pub removing: Option<String>,
    /// Which application is waiting.
    pub request: Option<AuthorizationRequest>,
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

impl Session {
    /// A fresh one.
    #[must_use]
    pub fn new(id: String, account_id: String, approved: bool, now: Time) -> Self {
        Self {
            id,
            account_id,
            expires_at: now + SESSION_LIFE,
            authenticated_at: now,
            approved_at: approved.then_some(now),
            enrollment: None,
            ceremony: None,
            removing: None,
            request: None,
        }
    }

    /// Whether a number was approved for it in the last ten minutes.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        self.approved_at.is_some_and(|at| now - at < FRESH)
    }

    /// What was really used (RFC 8176).
    #[must_use]
    pub fn methods(&self) -> &'static [&'static str] {
        if self.approved_at.is_some() { &["pwd", "pop", "mfa"] } else { &["pwd"] }
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

/// Ends a session with everything that hangs on it.
pub fn end_session(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<(), StoreError> {
    let Some(session) = tx.get::<Session>(id)? else {
        return Ok(());
    };
    tx.delete::<Session>(id)?;
    for token in tx.children::<Token>(id)? {
        tx.delete::<Token>(&token.id)?;
    }
    enrollment::acts::end_of_session(tx, &session.account_id, id, now)
}
