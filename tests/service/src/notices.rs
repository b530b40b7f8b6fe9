//! Notices: what the phones of an account are told of changes, until each has acknowledged it.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::devices::records as devices;
use crate::secrets::random_id;
use crate::store::{Record, StoreError, Table, Tx};

/// A phone that was away longer has other news.
const LIFE: Time = 30 * DAY;
/// The oldest that fit into one answer.
const MAX_TOLD: usize = 16;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A phone was added.
    MethodAdded,
    /// A phone was removed.
    MethodRemoved,
    /// Phone sign-in was turned on.
    PhoneSignInOn,
    /// Phone sign-in was turned off.
    PhoneSignInOff,
    /// A phone was reported as lost.
    PhoneLost,
    /// A pass was made.
    PassCreated,
    /// A browser that the account never used has signed in.
    NewBrowser,
}

/// A notice to one device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notice {
    /// Its id.
    pub id: String,
    /// To which device.
    pub device_id: String,
    /// What happened.
    pub kind: Kind,
    /// When.
    pub at: Time,
}

impl Record for Notice {
    const TABLE: Table = Table::Notices;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.device_id
    }

    fn expires_at(&self) -> Option<Time> {
        Some(self.at + LIFE)
    }
}

/// Tells every active phone of the account but one, in the transaction of the change.
pub fn notify(tx: &mut Tx<'_>, account_id: &str, but: Option<&str>, kind: Kind, now: Time) -> Result<(), StoreError> {
    for phone in devices::active(tx, account_id)? {
        if Some(phone.id.as_str()) != but {
            let id = random_id()?;
            tx.put(&Notice { id, device_id: phone.id, kind, at: now })?;
        }
    }
    Ok(())
}

/// What a device has not yet acknowledged, oldest first.
pub fn waiting(tx: &mut Tx<'_>, device_id: &str) -> Result<Vec<Notice>, StoreError> {
    let mut notices: Vec<Notice> = tx.children(device_id)?;
    notices.truncate(MAX_TOLD);
    Ok(notices)
}

/// Forgets what a device has shown; another device's notices stay.
pub fn acknowledge(tx: &mut Tx<'_>, device_id: &str, ids: &[String]) -> Result<(), StoreError> {
    for id in ids.iter().take(MAX_TOLD) {
        if tx.get::<Notice>(id)?.is_some_and(|notice| notice.device_id == device_id) {
            tx.delete::<Notice>(id)?;
        }
    }
    Ok(())
}
