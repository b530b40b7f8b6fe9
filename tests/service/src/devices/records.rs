//! Stores devices, and finds the active devices of an account.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::devices::device::Device;
use crate::store::{Record, StoreError, Table, Tx};

impl Record for Device {
    const TABLE: Table = Table::Devices;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.account_id
    }

    fn expires_at(&self) -> Option<Time> {
        self.ends_at
    }

    fn account(&self) -> Option<&str> {
        Some(&self.account_id)
    }
}

/// Maps a device key to its device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceKey {
    /// The device key's thumbprint.
    pub thumbprint: String,
    /// The device's id.
    pub device_id: String,
}

impl Record for DeviceKey {
    const TABLE: Table = Table::DeviceKeys;

    fn id(&self) -> &str {
        &self.thumbprint
    }

    fn parent(&self) -> &str {
        &self.device_id
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }
}

/// For this long after its removal, a device can be reported lost.
pub const REPORTABLE: Time = 30 * DAY;

/// Returns the devices that were removed lately, newest first. They can still be reported lost, because a finder may have
/// removed the phone after using it, and a person may correct since when it was missing.
pub fn removed_lately(tx: &mut Tx<'_>, account_id: &str, now: Time) -> Result<Vec<Device>, StoreError> {
    let mut removed = tx.children::<Device>(account_id)?;
    removed.retain(|device| device.removed_at().is_some_and(|at| now - at < REPORTABLE));
    removed.sort_by_key(|device| std::cmp::Reverse(device.removed_at()));
    Ok(removed)
}

/// Returns the account's active devices, oldest first.
pub fn active(tx: &mut Tx<'_>, account_id: &str) -> Result<Vec<Device>, StoreError> {
    Ok(tx.children::<Device>(account_id)?.into_iter().filter(Device::is_active).collect())
}
