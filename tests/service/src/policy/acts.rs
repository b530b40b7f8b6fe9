//! What is done to the policy, inside one transaction.

use serde_json::Value;

use crate::audit;
use crate::clock::Time;
use crate::people::person::Person;
use crate::policy::document::{Fault, patch};
use crate::policy::records::{current, group_ids, keep};
use crate::store::{StoreError, Tx};

/// What came of a change of the policy.
pub enum Changed {
    /// The document in force from now on.
    Done(Value),
    /// Nothing was changed.
    Faulty(Vec<Fault>),
}

/// Changes the policy by an administrator's merge patch (RFC 7396): the whole change, or nothing of it.
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
