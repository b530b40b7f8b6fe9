//! Changes of the policy. The caller provides the transaction.

use serde_json::Value;

use crate::audit;
use crate::clock::Time;
use crate::people::person::Person;
use crate::policy::document::{Fault, patch};
use crate::policy::records::{current, group_ids, keep};
use crate::store::{StoreError, Tx};

/// Result of a change of the policy.
pub enum Changed {
    /// The policy was changed; this is the new document.
    Done(Value),
    /// The change is invalid; nothing was changed.
    Faulty(Vec<Fault>),
}

/// Applies an administrator's change (see `document::patch`) and records it in the audit log. If any part of the change
/// is invalid, nothing is changed.
pub fn change(tx: &mut Tx<'_>, by: &Person, change: &Value, now: Time) -> Result<Changed, StoreError> {
    let before = current(tx)?;
    match patch(&before, change, &group_ids(tx)?) {
        Ok(policy) => {
            keep(tx, policy.clone(), &by.account_id, now)?;
            audit::record(tx, &by.account_id, "policy_changed", "", now)?;
            Ok(Changed::Done(policy.to_json()?))
        }
        Err(faults) => Ok(Changed::Faulty(faults)),
    }
}
