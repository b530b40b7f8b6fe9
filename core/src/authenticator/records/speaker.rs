//! Who speaks to which service.

use serde::{Deserialize, Serialize};

use crate::protocol::keys::ServiceKeys;
use crate::values::account::AccountId;
use crate::values::issuer::Issuer;

/// Who speaks to which service, with which key; enough to speak even after the account is gone here.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Speaker {
    pub(crate) account: AccountId,
    pub(crate) issuer: Issuer,
    pub(crate) device_id: String,
    pub(crate) key_alias: String,
    pub(crate) keys_endpoint: String,
    pub(crate) service_keys: ServiceKeys,
    pub(crate) clock_offset: i64,
}
