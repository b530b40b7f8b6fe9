//! Stored records: the policy, groups, and the administrators' tokens for the policy API.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::people::person::Person;
use crate::policy::document::Policy;
use crate::policy::rules::{Effective, Subject, effective};
use crate::store::{Record, StoreError, Table, Tx};

/// Id of the only policy record.
const ONLY: &str = "policy";
/// The parent id of all groups. `groups` lists the groups by this id.
const EVERY_GROUP: &str = "groups";
/// Life of an API token.
pub const TOKEN_LIFE: Time = 90 * DAY;

/// The current policy. If no record is stored, `Policy::usual` applies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyRecord {
    id: String,
    /// The document.
    pub policy: Policy,
    /// When the policy was last changed.
    pub changed_at: Time,
    /// The account id of the administrator who last changed the policy.
    pub changed_by: String,
}

impl Record for PolicyRecord {
    const TABLE: Table = Table::Policy;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        ""
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }
}

/// A group of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The id by which the policy's targets name the group.
    pub id: String,
    /// The name that administrators see.
    pub name: String,
}

impl Record for Group {
    const TABLE: Table = Table::Groups;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        EVERY_GROUP
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }
}

/// An administrator's token for the JSON API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiToken {
    /// SHA-256 of the token.
    pub id: String,
    /// The administrator's account.
    pub account_id: String,
    /// When the token expires.
    pub expires_at: Time,
}

impl Record for ApiToken {
    const TABLE: Table = Table::ApiTokens;

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

/// Returns the current policy.
pub fn current(tx: &mut Tx<'_>) -> Result<Policy, StoreError> {
    Ok(tx.get::<PolicyRecord>(ONLY)?.map_or_else(Policy::usual, |record| record.policy))
}

/// Stores a policy as the current one.
pub fn keep(tx: &mut Tx<'_>, policy: Policy, changed_by: &str, now: Time) -> Result<(), StoreError> {
    let record = PolicyRecord { id: ONLY.to_owned(), policy, changed_at: now, changed_by: changed_by.to_owned() };
    tx.insert_or_update(&record, |stored| *stored = record.clone())
}

/// Returns all groups.
pub fn groups(tx: &mut Tx<'_>) -> Result<Vec<Group>, StoreError> {
    tx.children(EVERY_GROUP)
}

/// Returns the ids of all groups.
pub fn group_ids(tx: &mut Tx<'_>) -> Result<HashSet<String>, StoreError> {
    Ok(groups(tx)?.into_iter().map(|group| group.id).collect())
}

/// Evaluates the current policy for a person.
pub fn effective_for(tx: &mut Tx<'_>, person: &Person) -> Result<Effective, StoreError> {
    Ok(effective(&current(tx)?, Subject { account_id: &person.account_id, groups: &person.groups }))
}
