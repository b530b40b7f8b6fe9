//! Stored records: the policy, groups, and the administrators' tokens for the policy API.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::people::person::Person;
use crate::policy::document::{Bootstrap, Policy, TokenScope};
use crate::policy::rules::{Effective, Subject, effective};
use crate::provenance::{ApprovedBy, Given, add_new};
use crate::store::{Record, StoreError, Table, Tx};

/// Id of the only policy record.
const ONLY: &str = "policy";
/// The most earlier policies that are kept.
const MAX_EARLIER: usize = 100;
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
    /// What gave the policy. `None` for the usual policy, and for a policy that version 0.1 stored.
    given: Option<Given>,
    /// The policies before this one, oldest first, so that one of them can be restored.
    #[serde(default)]
    earlier: Vec<Earlier>,
}

/// An earlier policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Earlier {
    policy: Policy,
    given: Option<Given>,
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
    /// The name that administrators see in the list of tokens.
    pub name: String,
    /// What the token allows.
    pub scope: TokenScope,
    /// When the token expires.
    pub expires_at: Time,
    /// What gave the token.
    pub given: Given,
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

/// Stores a policy as the current one, with what gave it. Keeps the policy before it.
pub fn keep(tx: &mut Tx<'_>, policy: Policy, given: Given, changed_by: &str, now: Time) -> Result<(), StoreError> {
    let earlier = earlier(tx, &given, now)?;
    let (id, changed_by) = (ONLY.to_owned(), changed_by.to_owned());
    let record = PolicyRecord { id, policy, changed_at: now, changed_by, given: Some(given), earlier };
    tx.insert_or_update(&record, |stored| *stored = record.clone())
}

/// Returns whether so many policies are kept that another one is refused. If an earlier one were dropped instead, an
/// intruder could make a report forget it. `given`: what gives the new policy. The operator's change is never refused.
pub fn is_full(tx: &mut Tx<'_>, given: &Given, now: Time) -> Result<bool, StoreError> {
    Ok(!given.is_settled(now) && earlier(tx, given, now)?.len() >= MAX_EARLIER)
}

/// Returns the policies before a new one. Earlier policies by the same approval are left out, because an API token
/// changes the policy many times, and so are policies before one that can no longer fall.
fn earlier(tx: &mut Tx<'_>, given: &Given, now: Time) -> Result<Vec<Earlier>, StoreError> {
    let Some(stored) = tx.get::<PolicyRecord>(ONLY)? else {
        return Ok(vec![Earlier { policy: Policy::usual(), given: None }]);
    };
    let mut earlier = stored.earlier;
    earlier.push(Earlier { policy: stored.policy, given: stored.given });
    let ceremony = |given: &Given| given.approvals().first().map(|approval| approval.ceremony.clone());
    let approved = ceremony(given);
    earlier.retain(|one| approved.is_none() || one.given.as_ref().and_then(ceremony) != approved);
    Ok(earlier.split_off(newest_settled(&earlier, now)))
}

/// Returns the approvals that let a person's password add a first phone, if the policy would not without them: those
/// behind the policies after the last one that did not, and behind the memberships of groups. Only policies and
/// memberships that can still fall count.
pub fn password_allowed_by(tx: &mut Tx<'_>, person: &Person, now: Time) -> Result<Vec<ApprovedBy>, StoreError> {
    let Some(record) = tx.get::<PolicyRecord>(ONLY)? else {
        return Ok(Vec::new());
    };
    let joined: Vec<(&String, &Given)> = person.joined_by().filter(|(_, given)| !given.is_settled(now)).collect();
    let has_joined = |group: &String| joined.iter().any(|(one, _)| *one == group);
    let groups: Vec<String> = person.groups.iter().filter(|group| !has_joined(group)).cloned().collect();
    let mut policies = record.earlier;
    policies.push(Earlier { policy: record.policy, given: record.given });
    let policies = policies.split_off(newest_settled(&policies, now));
    let Some(last) = policies.iter().rposition(|one| !lets_password_add(&one.policy, &person.account_id, &groups))
    else {
        return Ok(Vec::new());
    };
    let mut allowed_by = Vec::new();
    for given in policies.into_iter().skip(last + 1).filter_map(|one| one.given) {
        add_new(&mut allowed_by, given.approvals());
    }
    for (_, given) in joined {
        add_new(&mut allowed_by, given.approvals());
    }
    Ok(allowed_by)
}

/// Returns the index of the newest policy that can no longer fall.
fn newest_settled(policies: &[Earlier], now: Time) -> usize {
    let is_settled = |one: &Earlier| one.given.as_ref().is_none_or(|given| given.is_settled(now));
    policies.iter().rposition(is_settled).unwrap_or_default()
}

fn lets_password_add(policy: &Policy, account_id: &str, groups: &[String]) -> bool {
    let effective = effective(policy, Subject { account_id, groups });
    effective.mode.is_some() && effective.bootstrap == Bootstrap::Password
}

/// Restores the newest earlier policy that did not fall, if the current policy has fallen. `fell`: whether what gave a
/// policy has fallen. Returns whether the policy was restored. A later change by another approval stays, with what the
/// fallen one has set before: an administrator has seen that policy.
pub fn take_back(tx: &mut Tx<'_>, fell: impl Fn(&Given) -> bool, now: Time) -> Result<bool, StoreError> {
    let has_fallen = |given: &Option<Given>| given.as_ref().is_some_and(&fell);
    let restore = |record: &mut PolicyRecord| {
        record.earlier.retain(|earlier| !has_fallen(&earlier.given));
        if !has_fallen(&record.given) {
            return false;
        }
        let restored = record.earlier.pop().unwrap_or_else(|| Earlier { policy: Policy::usual(), given: None });
        (record.policy, record.given, record.changed_at) = (restored.policy, restored.given, now);
        true
    };
    Ok(tx.update(ONLY, restore)?.granted().unwrap_or_default())
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
