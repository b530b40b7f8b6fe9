//! Stored records: the policy, groups, and the administrators' tokens for the policy API.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};
use crate::people::person::Person;
use crate::policy::document::{Policy, TokenScope};
use crate::policy::rules::Effective;
use crate::policy::versions::{self, Version};
use crate::provenance::{ApprovedBy, Given};
use crate::secrets::random_id;
use crate::store::{Record, StoreError, Table, Tx};

/// Id of the only policy record.
const ONLY: &str = "policy";
/// The most earlier versions that are kept.
const MAX_EARLIER: usize = 100;
/// The parent id of all groups. `groups` lists the groups by this id.
const EVERY_GROUP: &str = "groups";
/// Life of an API token.
pub const TOKEN_LIFE: Time = 90 * DAY;

/// The policy. If no record is stored, `Policy::usual` applies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyRecord {
    id: String,
    /// When the policy was last changed.
    changed_at: Time,
    /// The account id of the administrator who last changed the policy.
    changed_by: String,
    /// The current version.
    #[serde(flatten)]
    pub current: Version,
    /// The versions before the current one, oldest first.
    #[serde(default)]
    earlier: Vec<Version>,
    /// A random id of the last change after which pending grants are still to be checked (`effects::end_pending`).
    #[serde(default)]
    unchecked: Option<String>,
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
    Ok(current_version(tx)?.policy)
}

/// Returns the reported policies that still apply where they are stricter than the current policy.
pub fn reported(tx: &mut Tx<'_>) -> Result<Vec<Policy>, StoreError> {
    Ok(current_version(tx)?.reported.into_iter().map(|one| one.policy).collect())
}

fn current_version(tx: &mut Tx<'_>) -> Result<Version, StoreError> {
    Ok(tx.get::<PolicyRecord>(ONLY)?.map_or_else(Version::usual, |record| record.current))
}

/// Stores a policy as the current one, with what gave it. An administrator has decided, so policies that were reported
/// before the approval apply no longer.
pub fn keep(tx: &mut Tx<'_>, policy: Policy, given: Given, changed_by: &str, now: Time) -> Result<(), StoreError> {
    let (earlier, before) = (earlier(tx, &given, now)?, current_version(tx)?);
    // GUARD(decided-before-report): a_policy_that_was_approved_before_a_report_does_not_end_it
    // INSTEAD: let is_later = |_at: Time| false;
    let is_later = |at: Time| given.approvals().first().is_some_and(|approval| at >= approval.at);
    let reported = before.reported.into_iter().filter(|one| is_later(one.at)).collect();
    let current = Version { policy, given: Some(given), reported };
    store(tx, current, earlier, changed_by, now)
}

/// Stores a policy that a program has set with an API token. No administrator has looked at the policy that the program
/// has changed. So reported policies still apply where they are stricter, and the approvals behind the policy so far are
/// also behind the new one.
pub fn keep_by_token(
    tx: &mut Tx<'_>,
    policy: Policy,
    given: Given,
    changed_by: &str,
    now: Time,
) -> Result<(), StoreError> {
    let (earlier, before) = (earlier(tx, &given, now)?, current_version(tx)?);
    let current = Version { policy, given: Some(before.also_behind(given, now)), reported: before.reported };
    store(tx, current, earlier, changed_by, now)
}

fn store(
    tx: &mut Tx<'_>,
    current: Version,
    earlier: Vec<Version>,
    changed_by: &str,
    now: Time,
) -> Result<(), StoreError> {
    let (id, changed_by, unchecked) = (ONLY.to_owned(), changed_by.to_owned(), Some(random_id()?));
    let record = PolicyRecord { id, changed_at: now, changed_by, current, earlier, unchecked };
    tx.insert_or_update(&record, |stored| *stored = record.clone())
}

/// Records that pending grants are to be checked, because the policy or a person's groups have changed. Without a stored
/// policy, groups make no difference.
pub fn check_pending(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let change = random_id()?;
    tx.update::<PolicyRecord, _>(ONLY, |record| record.unchecked = Some(change.clone()))?.granted();
    Ok(())
}

/// Returns the id of the last change after which pending grants are still to be checked.
pub fn unchecked(tx: &mut Tx<'_>) -> Result<Option<String>, StoreError> {
    Ok(tx.get::<PolicyRecord>(ONLY)?.and_then(|record| record.unchecked))
}

/// Records that the pending grants of every account were checked after this change. Does nothing if there was another
/// change since.
pub fn pending_are_checked(tx: &mut Tx<'_>, change: &str) -> Result<(), StoreError> {
    let checked = |record: &mut PolicyRecord| {
        record.unchecked = record.unchecked.take().filter(|last| last != change);
    };
    tx.update(ONLY, checked)?.granted();
    Ok(())
}

/// Returns whether so many policies are kept that another one is refused. If an earlier one were dropped instead, an
/// intruder could make a report forget it. `given`: what gives the new policy. The operator's change is never refused.
pub fn is_full(tx: &mut Tx<'_>, given: &Given, now: Time) -> Result<bool, StoreError> {
    Ok(!given.is_settled(now) && earlier(tx, given, now)?.len() >= MAX_EARLIER)
}

fn earlier(tx: &mut Tx<'_>, given: &Given, now: Time) -> Result<Vec<Version>, StoreError> {
    Ok(match tx.get::<PolicyRecord>(ONLY)? {
        Some(stored) => versions::before(stored.earlier, stored.current, given, now),
        None => vec![Version::usual()],
    })
}

/// Returns the approvals that let a person's password add a first phone, if the policy would not without them. Only
/// policies and changes of groups that can still fall count.
pub fn password_allowed_by(tx: &mut Tx<'_>, person: &Person, now: Time) -> Result<Vec<ApprovedBy>, StoreError> {
    Ok(match tx.get::<PolicyRecord>(ONLY)? {
        Some(record) => versions::password_allowed_by(record.earlier, record.current, person, now),
        None => Vec::new(),
    })
}

/// Takes back the policies that fallen approvals have set (see `versions::take_back`). `fell`: whether what gave a policy
/// has fallen. Returns whether the current policy has changed. A later change by another approval stays, with what the
/// fallen one has set before: an administrator has seen that policy.
pub fn take_back(tx: &mut Tx<'_>, fell: impl Fn(&Given) -> bool, now: Time) -> Result<bool, StoreError> {
    let restore = |record: &mut PolicyRecord| {
        let has_fallen = record.current.given.as_ref().is_some_and(&fell);
        versions::take_back(&mut record.earlier, &mut record.current, &fell, now);
        record.changed_at = if has_fallen { now } else { record.changed_at };
        has_fallen
    };
    let has_changed = tx.update(ONLY, restore)?.granted().unwrap_or_default();
    if has_changed {
        check_pending(tx)?;
    }
    Ok(has_changed)
}

/// Returns all groups.
pub fn groups(tx: &mut Tx<'_>) -> Result<Vec<Group>, StoreError> {
    tx.children(EVERY_GROUP)
}

/// Returns the ids of all groups.
pub fn group_ids(tx: &mut Tx<'_>) -> Result<HashSet<String>, StoreError> {
    Ok(groups(tx)?.into_iter().map(|group| group.id).collect())
}

/// Evaluates the current policy for a person. Where a reported policy, or a reported change of groups, is stricter, it
/// still applies.
pub fn effective_for(tx: &mut Tx<'_>, person: &Person) -> Result<Effective, StoreError> {
    Ok(current_version(tx)?.effective(&person.account_id, &person.possible_groups()))
}
