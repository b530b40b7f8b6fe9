//! Stored records of browsers: attempts to sign in, sessions and known browsers.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::prompts::ceremony::Owner;
use crate::provenance::Given;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::session::Session;
use crate::store::{Record, Table};

const KNOWN_LIFE: Time = 90 * DAY;
const FORGOTTEN_LIFE: Time = 400 * DAY;

impl Record for Attempt {
    const TABLE: Table = Table::Attempts;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        Record::account(self).unwrap_or_default()
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.expires_at)
    }

    fn account(&self) -> Option<&str> {
        self.proven.as_ref().or(self.must_change.as_ref()).map(|proven| proven.account_id.as_str())
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

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}

/// A browser in which an account has signed in with a phone's approval.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownBrowser {
    /// SHA-256 of account id and cookie, because one browser may be known to several accounts.
    pub id: String,
    /// The account.
    pub account_id: String,
    /// When the browser is no longer known.
    pub expires_at: Time,
    /// What gave the record.
    pub given: Given,
    /// The approval that last renewed the record.
    #[serde(default)]
    pub renewed: Option<Given>,
    /// Who asked for the approval that gave the record: other questions of the same sign-in came from this browser too.
    #[serde(default)]
    pub asked_by: Option<Owner>,
    /// Whether something ended the record. It stays for 400 days, so that the account does not know its cookie again.
    #[serde(default)]
    pub forgotten: bool,
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

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}

impl KnownBrowser {
    /// Creates the record; the browser stays known for 90 days.
    #[must_use]
    pub fn new(cookie: &str, account_id: &str, given: Given, asked_by: Option<Owner>) -> Self {
        Self {
            id: Self::id_of(cookie, account_id),
            account_id: account_id.to_owned(),
            expires_at: given.at + KNOWN_LIFE,
            given,
            renewed: None,
            asked_by,
            forgotten: false,
        }
    }

    /// Keeps the browser known for longer. The first approval stays behind the record too, so that a report of either
    /// ends it. A forgotten record stays forgotten. `later`: the record of a later approval.
    pub fn renew(&mut self, later: Self, now: Time) {
        if self.is_known(now) {
            (self.expires_at, self.renewed) = (later.expires_at, Some(later.given));
        } else {
            *self = Self { forgotten: self.forgotten, ..later };
        }
    }

    /// Ends the record. It stays longer than the cookie can last.
    pub fn forget(&mut self, now: Time) {
        (self.forgotten, self.expires_at) = (true, now + FORGOTTEN_LIFE);
    }

    /// Returns whether the account knows the browser at this time.
    #[must_use]
    pub fn is_known(&self, now: Time) -> bool {
        self.expires_at > now && !self.forgotten
    }

    /// Returns the record id for a cookie and an account.
    #[must_use]
    pub fn id_of(cookie: &str, account_id: &str) -> String {
        crate::secrets::hashed(format!("{account_id} {cookie}").as_bytes())
    }
}
