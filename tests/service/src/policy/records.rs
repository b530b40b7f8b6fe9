//! What is stored of the policy, of groups and of the tokens that may change it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::people::person::Person;
use crate::policy::document::Policy;
use crate::policy::rules::{Effective, Subject, effective};
use crate::store::{Record, StoreError, Table, Tx};

/// There is one policy.
const ONLY: &str = "policy";
/// All groups stand under one parent, to be listed.
const EVERY_GROUP: &str = "groups";
/// A token ends after this.
pub const TOKEN_LIFE: Time = 90 * DAY;

/// The policy as it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyRecord {
    id: String,
    /// The document.
    pub policy: Policy,
    /// When it was changed last.
    pub changed_at: Time,
    /// By which account.
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
    /// Its id, as targets name it.
    pub id: String,
    /// Its name, as people know it.
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

/// A token of an administrator for the JSON API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiToken {
    /// Hashed.
    pub id: String,
    /// Whose.
    pub account_id: String,
    /// When it ends.
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
}

/// The policy in force.
pub fn current(tx: &mut Tx<'_>) -> Result<Policy, StoreError> {
    Ok(tx.get::<PolicyRecord>(ONLY)?.map_or_else(Policy::usual, |record| record.policy))
}

/// Puts a policy in force.
pub fn keep(tx: &mut Tx<'_>, policy: Policy, changed_by: &str, now: Time) -> Result<(), StoreError> {
    tx.put(&PolicyRecord { id: ONLY.to_owned(), policy, changed_at: now, changed_by: changed_by.to_owned() })
}

/// Every group.
pub fn groups(tx: &mut Tx<'_>) -> Result<Vec<Group>, StoreError> {
    tx.children(EVERY_GROUP)
}

/// Their ids.
pub fn group_ids(tx: &mut Tx<'_>) -> Result<HashSet<String>, StoreError> {
    Ok(groups(tx)?.into_iter().map(|group| group.id).collect())
}

/// What the policy means for a person now.
pub fn effective_for(tx: &mut Tx<'_>, person: &Person) -> Result<Effective, StoreError> {
    Ok(effective(&current(tx)?, Subject { account_id: &person.account_id, groups: &person.groups }))
}
