//! The data that is needed to send one account's requests to its service.

use serde::{Deserialize, Serialize};

use crate::protocol::keys::ServiceKeys;
use crate::values::account::AccountId;
use crate::values::issuer::Issuer;

/// What the core needs to send one account's requests to its service, and to verify the responses: ids, device key
/// alias, service keys.
///
/// Each outbox entry contains a copy, so a removal can still be sent after the account is deleted from this phone.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Speaker {
    pub(crate) account: AccountId,
    pub(crate) issuer: Issuer,
    /// The `kid` of requests, and the `aud` that signed states must have.
    pub(crate) device_id: String,
    /// The key store's name for the device key.
    pub(crate) key_alias: String,
    pub(crate) keys_endpoint: String,
    pub(crate) service_keys: ServiceKeys,
    /// The service's clock minus this phone's, in seconds.
    pub(crate) clock_offset: i64,
}
