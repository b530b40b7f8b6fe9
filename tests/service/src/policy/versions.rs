//! The versions of the policy, so that a report can take one back. The functions are pure.
//!
//! A report makes nothing more permissive: a reported policy still applies where it is stricter than the policy before
//! it, until an administrator decides. Otherwise somebody who finds a phone could report the owner's policy.

use serde::{Deserialize, Serialize};

use crate::clock::{HOUR, Time};
use crate::people::person::Person;
use crate::policy::document::{Bootstrap, Policy};
use crate::policy::rules::{Effective, Subject, effective};
use crate::provenance::{ApprovedBy, Given, add_new};

/// A program that changes the policy several times within this time makes one version.
const ONE_CHANGE: Time = HOUR;

/// A policy that was reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// The document.
    pub policy: Policy,
    /// When it was reported.
    pub at: Time,
}

/// A policy that somebody has set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// The document.
    pub policy: Policy,
    /// What gave the policy. `None` for the usual policy, and for a policy that version 0.1 stored.
    pub given: Option<Given>,
    /// The reported policies that came after this one.
    #[serde(default)]
    pub reported: Vec<Reported>,
}

impl Version {
    /// Returns the initial version.
    #[must_use]
    pub fn usual() -> Self {
        Self { policy: Policy::usual(), given: None, reported: Vec::new() }
    }

    /// Evaluates the policy for a person. Among several possible groups and reported policies, the strictest applies.
    #[must_use]
    pub fn effective(&self, account_id: &str, possible_groups: &[Vec<String>]) -> Effective {
        let policies = || std::iter::once(&self.policy).chain(self.reported.iter().map(|one| &one.policy));
        let all = possible_groups.iter().flat_map(|groups| policies().map(move |policy| (policy, groups)));
        let evaluated = all.map(|(policy, groups)| effective(policy, Subject { account_id, groups }));
        evaluated
            .reduce(|one, other| one.stricter(&other))
            .unwrap_or_else(|| effective(&self.policy, Subject { account_id, groups: &[] }))
    }

    /// Returns the provenance of a policy that a program has set, with the approvals behind this version. `given`: what
    /// lets the program set the policy.
    #[must_use]
    pub fn also_behind(&self, given: Given, now: Time) -> Given {
        let is_own = |approval: &ApprovedBy| given.approvals().iter().any(|own| own.ceremony == approval.ceremony);
        let before = self.given.as_ref().map(Given::approvals).unwrap_or_default();
        let others: Vec<ApprovedBy> =
            before.iter().filter(|approval| !approval.is_settled(now) && !is_own(approval)).cloned().collect();
        // GUARD(program-has-not-looked): a_policy_by_a_program_falls_with_the_policy_that_it_has_changed
        // INSTEAD: given
        given.after(&others)
    }

    fn lets_password_add(&self, account_id: &str, possible_groups: &[Vec<String>]) -> bool {
        let effective = self.effective(account_id, possible_groups);
        effective.mode.is_some() && effective.bootstrap == Bootstrap::Password
    }

    fn is_settled(&self, now: Time) -> bool {
        self.given.as_ref().is_none_or(|given| given.is_settled(now))
    }
}

/// Returns the versions before a new one, without those before one that can no longer fall. If the same program has made
/// the current version shortly before, the new version replaces it. `given`: what gives the new version.
#[must_use]
pub fn before(mut earlier: Vec<Version>, current: Version, given: &Given, now: Time) -> Vec<Version> {
    let ceremony = |given: &Given| given.approvals().first().map(|approval| approval.ceremony.clone());
    let is_same_change = |before: &Given| {
        given.at - before.at <= ONE_CHANGE && ceremony(given).is_some() && ceremony(given) == ceremony(before)
    };
    if !current.given.as_ref().is_some_and(is_same_change) {
        earlier.push(current);
    }
    earlier.split_off(newest_settled(&earlier, now))
}

/// Returns the approvals that let a person's password add a first phone, if the policy would not without them: those
/// behind the policies after the last one that did not, and behind the changes of groups.
#[must_use]
pub fn password_allowed_by(
    mut versions: Vec<Version>,
    current: Version,
    person: &Person,
    now: Time,
) -> Vec<ApprovedBy> {
    versions.push(current);
    let versions = versions.split_off(newest_settled(&versions, now));
    let mut allowed_by = Vec::new();
    // Each possible membership is judged alone, so that a recent change of a group does not hide a change of the policy.
    for groups in person.recent_groups(now) {
        let refuses = |one: &Version| !one.lets_password_add(&person.account_id, std::slice::from_ref(&groups));
        let Some(last) = versions.iter().rposition(refuses) else { continue };
        for given in versions.iter().skip(last + 1).filter_map(|one| one.given.as_ref()) {
            add_new(&mut allowed_by, given.approvals());
        }
        if last + 1 == versions.len() {
            add_new(&mut allowed_by, person.groups_changed_by(now));
        }
    }
    allowed_by
}

/// Returns the index of the newest version that can no longer fall.
fn newest_settled(versions: &[Version], now: Time) -> usize {
    versions.iter().rposition(|one| one.is_settled(now)).unwrap_or_default()
}

/// Takes back the versions that have fallen. Each becomes a reported policy of the version before it.
pub fn take_back(earlier: &mut Vec<Version>, current: &mut Version, fell: impl Fn(&Given) -> bool, now: Time) {
    let mut kept: Vec<Version> = Vec::new();
    for version in earlier.drain(..).chain([current.clone()]) {
        match version.given.as_ref().is_some_and(&fell) {
            true if kept.is_empty() => kept.push(Version::usual()),
            true => {}
            false => {
                kept.push(version);
                continue;
            }
        }
        if let Some(before) = kept.last_mut() {
            let fallen = Reported { policy: version.policy, at: now };
            for policy in std::iter::once(fallen).chain(version.reported) {
                // GUARD(reported-policy-stays): a_reported_policy_applies_where_it_is_stricter
                // INSTEAD: if before.reported.contains(&policy) {
                if !before.reported.contains(&policy) {
                    before.reported.push(policy);
                }
            }
        }
    }
    *current = kept.pop().unwrap_or_else(Version::usual);
    *earlier = kept;
}
