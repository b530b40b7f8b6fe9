//! Notices inform phones about changes of an account. The service repeats a notice to each phone of the account until
//! this phone acknowledges the notice.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::devices::records as devices;
use crate::secrets::random_id;
use crate::store::{Record, StoreError, Table, Tx};

/// Lifetime of a notice. A phone that was offline for longer learns only the current state of its account.
const LIFE: Time = 30 * DAY;
/// The most notices in one signed state, and the most ids in one acknowledgment.
const MAX_NOTICES: usize = 16;

/// The change.
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
    /// A pass was created.
    PassCreated,
    /// The person signed in with a browser that the account did not know.
    NewBrowser,
}

/// A notice to one device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notice {
    /// The notice's id.
    pub id: String,
    /// The device that receives the notice.
    pub device_id: String,
    /// The change.
    pub kind: Kind,
    /// When the change happened.
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

/// Adds a notice for every active phone of the account, except the device `but`. Called in the transaction of the
/// change.
pub fn notify(tx: &mut Tx<'_>, account_id: &str, but: Option<&str>, kind: Kind, now: Time) -> Result<(), StoreError> {
    for phone in devices::active(tx, account_id)? {
        if Some(phone.id.as_str()) != but {
            let id = random_id()?;
            tx.insert(&Notice { id, device_id: phone.id, kind, at: now })?;
        }
    }
    Ok(())
}

/// Returns the 16 oldest notices that a device has not acknowledged, oldest first.
pub fn waiting(tx: &mut Tx<'_>, device_id: &str) -> Result<Vec<Notice>, StoreError> {
    let mut notices: Vec<Notice> = tx.children(device_id)?;
    notices.truncate(MAX_NOTICES);
    Ok(notices)
}

/// Deletes the notices that a phone acknowledges, at most 16. Ignores the ids of other devices' notices.
pub fn acknowledge(tx: &mut Tx<'_>, device_id: &str, ids: &[String]) -> Result<(), StoreError> {
    for id in ids.iter().take(MAX_NOTICES) {
        if tx.get::<Notice>(id)?.is_some_and(|notice| notice.device_id == device_id) {
            tx.delete::<Notice>(id)?;
        }
    }
    Ok(())
}
