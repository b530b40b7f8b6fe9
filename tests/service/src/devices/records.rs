//! Stores devices, and finds the active devices of an account.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
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

/// Returns the account's active devices, oldest first.
pub fn active(tx: &mut Tx<'_>, account_id: &str) -> Result<Vec<Device>, StoreError> {
    Ok(tx.children::<Device>(account_id)?.into_iter().filter(Device::is_active).collect())
}
