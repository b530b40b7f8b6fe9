//! Spending a phone's approval. An approval allows one effect, once.

use crate::clock::Time;
use crate::devices::standing::may_approve;
use crate::people::person::Person;
use crate::prompts::ceremony::{Ceremony, Kind, Owner};
use crate::prompts::change::Change;
use crate::provenance::Given;
use crate::sign_in::session::Session;
use crate::store::{Brand, StoreError, Tx};

/// An approval that was spent in this transaction.
pub struct Approval<'t> {
    ceremony: Ceremony,
    given: Given,
    _brand: Brand<'t>,
}

impl Approval<'_> {
    /// Returns the account whose phone approved.
    #[must_use]
    pub fn account_id(&self) -> &str {
        &self.ceremony.account_id
    }

    /// Returns the browser for which the approval was given.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.ceremony.owner
    }

    /// Returns the change that was approved, for a step-up.
    #[must_use]
    pub fn change(&self) -> Option<&Change> {
        self.ceremony.change.as_ref()
    }

    /// Returns the provenance of what the approved administrative act gives now.
    #[must_use]
    pub fn given_as_administrator(&self) -> Given {
        self.ceremony.as_administrator(self.given.clone())
    }

    /// Returns whether the person is an administrator by the same approvals as when the question was asked.
    #[must_use]
    pub fn is_by_role_of(&self, person: &Person) -> bool {
        self.ceremony.standing == person.standing()
    }

    /// Returns whether the approval was given for this session.
    #[must_use]
    pub fn is_of_session(&self, session: &Session) -> bool {
        self.ceremony.owner == Owner::Session(session.id.clone()) && self.ceremony.account_id == session.account_id
    }

    /// Returns the provenance of a grant that the approval gives now.
    #[must_use]
    pub fn given(&self) -> Given {
        self.given.clone()
    }
}

/// Returns the provenance of what an approval gives now, if the browser that owns its ceremony can redeem it now. Spends
/// nothing.
pub fn ready(
    tx: &mut Tx<'_>,
    ceremony_id: &str,
    owner: &Owner,
    kind: Kind,
    now: Time,
) -> Result<Option<Given>, StoreError> {
    let Some(ceremony) = tx.get::<Ceremony>(ceremony_id)? else {
        return Ok(None);
    };
    // GUARD(copied-waiting-address): j7_w10_copied_ceremony_id_redeems_nothing, second_factor_models_have_no_fault, turning_on_phone_sign_in_in_the_browser_has_no_fault
    // INSTEAD: if false
    if ceremony.owner != *owner
        // GUARD(step-up-kind): approval_is_redeemed_once_by_its_own_browser, step_up_model_has_no_fault, revoking_from_a_stolen_session_has_no_fault
        || ceremony.kind != kind
        // GUARD(step-up-without-approval): an_approval_to_add_a_method_does_not_allow_a_removal, administrative_acts_have_no_fault
        || !ceremony.is_redeemable(now)
    {
        return Ok(None);
    }
    // The policy or the person may have changed after the answer.
    // GUARD(approval-read-again): j1_w2_j7_w7_change_between_prompt_and_answer_takes_effect, revoking_from_a_password_thief_has_no_fault
    if !may_approve(tx, &ceremony.account_id, kind)? {
        return Ok(None);
    }
    Ok(ceremony.gives(now))
}

/// Spends an approval for the browser that owns the ceremony. Returns `None` if there is no approval of this kind to
/// redeem, or if the account may no longer approve.
pub fn spend<'t>(
    tx: &mut Tx<'t>,
    ceremony_id: &str,
    owner: &Owner,
    kind: Kind,
    now: Time,
) -> Result<Option<Approval<'t>>, StoreError> {
    match ready(tx, ceremony_id, owner, kind, now)? {
        Some(given) => spent(tx, ceremony_id, given),
        None => Ok(None),
    }
}

/// Returns whether the approval of adding a phone can still be spent. The browser that owns it was checked when the
/// adding started, and the adding has its own time limit.
pub fn may_add_phone(tx: &mut Tx<'_>, ceremony_id: &str, account_id: &str) -> Result<bool, StoreError> {
    let ceremony = tx.get::<Ceremony>(ceremony_id)?;
    let fits =
        |one: &Ceremony| one.account_id == account_id && one.kind == Kind::AddMethod && one.is_unspent_approval();
    Ok(ceremony.is_some_and(|one| fits(&one)) && may_approve(tx, account_id, Kind::AddMethod)?)
}

/// Spends the approval of adding a phone.
pub(super) fn spend_for_phone<'t>(
    tx: &mut Tx<'t>,
    ceremony_id: &str,
    account_id: &str,
    now: Time,
) -> Result<Option<Approval<'t>>, StoreError> {
    if !may_add_phone(tx, ceremony_id, account_id)? {
        return Ok(None);
    }
    match tx.get::<Ceremony>(ceremony_id)?.and_then(|ceremony| ceremony.gives(now)) {
        Some(given) => spent(tx, ceremony_id, given),
        None => Ok(None),
    }
}

fn spent<'t>(tx: &mut Tx<'t>, ceremony_id: &str, given: Given) -> Result<Option<Approval<'t>>, StoreError> {
    let spend = |ceremony: &mut Ceremony| {
        ceremony.redeemed = true;
        ceremony.clone()
    };
    let spent = tx.update(ceremony_id, spend)?.granted();
    Ok(spent.map(|ceremony| Approval { ceremony, given, _brand: tx.brand() }))
}
