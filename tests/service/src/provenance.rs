//! What gave a grant, and when. A grant is a record that allows something, for example a session, a device or a pass.

use serde::{Deserialize, Serialize};

use crate::clock::{DAY, Time};

/// What gave a grant, and when. Each constructor takes the approvals behind it, so that no provenance loses them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// What gave the grant.
    pub by: Giver,
    /// When the grant was given.
    pub at: Time,
    /// The approvals without which there would be no grant: first the one that gave it, or that gave the pass which gave
    /// it, and then those behind the administrator who approved. The grant ends if one of them falls.
    #[serde(default)]
    approvals: Vec<ApprovedBy>,
    /// The account of the administrator who approved, for an administrative act.
    #[serde(default)]
    administrator: Option<String>,
}

/// An approval: it falls if it is reported, or if its device is reported lost and was missing at that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovedBy {
    /// The id of the ceremony.
    pub ceremony: String,
    /// The device that approved.
    pub device: String,
    /// When the device approved.
    pub at: Time,
    /// Whether this was an administrative act that concerns others. Only acts of the last days can fall.
    #[serde(default)]
    pub administers: bool,
    /// When an API token made the act, if its approval is older than the act.
    #[serde(default)]
    pub acted_at: Option<Time>,
}

impl ApprovedBy {
    /// Returns when the approved act was made.
    #[must_use]
    pub fn acted_at(&self) -> Time {
        self.acted_at.unwrap_or(self.at)
    }

    /// Returns whether this can no longer fall: a report or a loss report concerns administrative acts of a
    /// week at most (see `endings`).
    #[must_use]
    pub fn is_settled(&self, now: Time) -> bool {
        self.administers && self.acted_at() < now - 8 * DAY
    }
}

impl Given {
    /// Returns the provenance of what the password gives at `at`. `since`: when the password was set.
    #[must_use]
    pub fn by_password(since: Time, at: Time) -> Self {
        Self { by: Giver::Password(since), at, approvals: Vec::new(), administrator: None }
    }

    /// Adds approvals without which there would be no grant, for example those that removed every other phone.
    #[must_use]
    pub fn after(mut self, approvals: &[ApprovedBy]) -> Self {
        add_new(&mut self.approvals, approvals);
        self
    }

    /// Returns the provenance of what a pass gives at `at`. `given`: what gave the pass.
    #[must_use]
    pub fn by_pass(id: &str, given: &Self, at: Time) -> Self {
        Self { by: Giver::Pass(id.to_owned()), at, ..given.clone() }
    }

    /// Returns the provenance of what an approval gives at `at`.
    #[must_use]
    pub fn by_approval(approval: ApprovedBy, at: Time) -> Self {
        Self { by: Giver::Approval(approval.ceremony.clone()), at, approvals: vec![approval], administrator: None }
    }

    /// Returns the provenance of what an administrator's approval gives to others. `standing`: the approvals without which
    /// the person would be no administrator.
    #[must_use]
    pub fn as_administrator(mut self, account_id: &str, standing: &[ApprovedBy]) -> Self {
        self.approvals.iter_mut().for_each(|approval| approval.administers = true);
        self.as_administrator_to_self(account_id, standing)
    }

    /// Returns the provenance of what an API token with this provenance does now.
    #[must_use]
    pub fn by_token(mut self, account_id: &str, standing: &[ApprovedBy], now: Time) -> Self {
        // GUARD(token-act-time): a_policy_by_an_old_token_falls_with_the_phone
        // INSTEAD: self.approvals.iter_mut().for_each(|approval| approval.acted_at = None);
        self.approvals.iter_mut().for_each(|approval| approval.acted_at = Some(now));
        self.passed_on(now).as_administrator(account_id, standing)
    }

    /// Returns the provenance of what an administrator's approval gives to the administrator's own account.
    #[must_use]
    pub fn as_administrator_to_self(mut self, account_id: &str, standing: &[ApprovedBy]) -> Self {
        // GUARD(report-follows-roles): acts_of_an_administrator_fall_with_the_role
        self = self.after(standing);
        self.administrator = Some(account_id.to_owned());
        self
    }

    /// Returns the provenance of what a signature of the device key with this thumbprint gives at `at`.
    #[must_use]
    pub fn by_device_key(thumbprint: &str, at: Time) -> Self {
        Self { by: Giver::DeviceKey(thumbprint.to_owned()), at, approvals: Vec::new(), administrator: None }
    }

    /// Returns the provenance of what a command of the operator gives at `at`.
    #[must_use]
    pub fn by_operator(at: Time) -> Self {
        Self { by: Giver::Operator, at, approvals: Vec::new(), administrator: None }
    }

    /// Returns the provenance of what version 0.1 of the service gave.
    #[must_use]
    pub fn unrecorded(at: Time) -> Self {
        Self { by: Giver::Unrecorded, at, approvals: Vec::new(), administrator: None }
    }

    /// Returns the provenance of a grant that this grant gives now.
    #[must_use]
    pub fn passed_on(&self, at: Time) -> Self {
        Self { at, ..self.clone() }
    }

    /// Returns whether this can no longer fall.
    #[must_use]
    pub fn is_settled(&self, now: Time) -> bool {
        self.approvals.iter().all(|approval| approval.is_settled(now))
    }

    /// Returns the approvals without which there would be no grant, first the one that gave it.
    #[must_use]
    pub fn approvals(&self) -> &[ApprovedBy] {
        &self.approvals
    }

    /// Returns the account of the administrator who approved, for an administrative act.
    #[must_use]
    pub fn administrator(&self) -> Option<&str> {
        self.administrator.as_deref()
    }
}

/// Adds each approval that the list does not contain.
pub fn add_new<'a>(list: &mut Vec<ApprovedBy>, approvals: impl IntoIterator<Item = &'a ApprovedBy>) {
    for approval in approvals {
        if !list.contains(approval) {
            list.push(approval.clone());
        }
    }
}

/// What gave a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Giver {
    /// The password that was set at this time.
    Password(Time),
    /// The pass with this id.
    Pass(String),
    /// The approval in the ceremony with this id.
    Approval(String),
    /// The signature of the device key with this thumbprint.
    DeviceKey(String),
    /// A command of the operator.
    Operator,
    /// Unknown: version 0.1 of the service did not record it. Nothing new is given by such a grant.
    Unrecorded,
}
