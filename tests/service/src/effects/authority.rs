//! Authority for an administrative act: the approval of an administrator for exactly this act, or the operator's command.

use super::approval::Approval;
use crate::clock::Time;
use crate::people::person::Person;
use crate::prompts::change::{Act, Change};
use crate::provenance::Given;
use crate::store::{Brand, StoreError, Tx};

/// The longest chain of approvals, from one administrator to the next, that still counts.
const MAX_APPROVALS: usize = 256;

/// Proof that an administrator has approved an act, or that the operator commands it.
pub struct Authority<'t> {
    act: Act,
    given: Option<Given>,
    administrator: Option<String>,
    _brand: Brand<'t>,
}

/// Checks that an administrator has approved an act, and that they are still an administrator. An administrator can't
/// suspend, delete or reset themselves, or remove their own rights, because they could not undo it on these pages.
pub fn by_approval<'t>(tx: &mut Tx<'t>, approval: Approval<'t>) -> Result<Option<Authority<'t>>, StoreError> {
    let Some(Change::Administer(act)) = approval.change().cloned() else {
        return Ok(None);
    };
    let person = tx.get::<Person>(approval.account_id())?;
    let Some(person) = person.filter(|person| person.is_administrator && !person.suspended) else {
        return Ok(None);
    };
    // GUARD(act-locks-out): administrators_role_has_no_fault
    if act.locks_out(&person.account_id) {
        return Ok(None);
    }
    let given = approval.given_as_administrator();
    // A role that was removed and given back since the question is another role.
    // GUARD(role-unchanged): an_act_of_a_role_that_was_given_back_is_refused
    if !approval.is_by_role_of(&person) || given.approvals().len() > MAX_APPROVALS {
        return Ok(None);
    }
    Ok(Some(Authority { act, given: Some(given), administrator: Some(person.account_id), _brand: tx.brand() }))
}

/// The operator may command every act. Only the operator's commands call this.
pub(crate) fn by_operator<'t>(tx: &Tx<'t>, act: Act) -> Authority<'t> {
    Authority { act, given: None, administrator: None, _brand: tx.brand() }
}

impl Authority<'_> {
    /// Returns the act.
    #[must_use]
    pub fn act(&self) -> &Act {
        &self.act
    }

    /// Returns the provenance of a grant that the act gives now.
    #[must_use]
    pub fn given(&self, now: Time) -> Given {
        self.given.clone().unwrap_or_else(|| Given::by_operator(now))
    }

    /// Returns who acts, for the audit log: an administrator's account id, or `operator`.
    #[must_use]
    pub fn actor(&self) -> &str {
        self.administrator.as_deref().unwrap_or("operator")
    }

    /// Returns the administrator's account id. `None` for the operator.
    #[must_use]
    pub fn administrator(&self) -> Option<&str> {
        self.administrator.as_deref()
    }
}
