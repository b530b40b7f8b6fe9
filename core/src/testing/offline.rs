//! Ports of a device without a network: answers are stored, and wait in the outbox.

use crate::values::platform::{DeviceLock, LockState, PlatformError, PushChannel, PushDelivery, TlsTrust};

pub(crate) struct Offline;

impl PushChannel for Offline {
    fn subscribe(&self, _vapid_key: Vec<u8>, _slot: Vec<u8>) -> Result<String, PlatformError> {
        Err(PlatformError::Transient)
    }

    fn delivery(&self) -> Result<PushDelivery, PlatformError> {
        Ok(PushDelivery::Unknown)
    }
}

impl DeviceLock for Offline {
    fn state(&self) -> Result<LockState, PlatformError> {
        Ok(LockState::Biometric)
    }
}

impl TlsTrust for Offline {
    fn is_trusted(&self, _host: String, _chain: Vec<Vec<u8>>, _now: u64) -> Result<bool, PlatformError> {
        Ok(false)
    }
}
