//! Changing the policy, by an administrator's approval or by an API token.

use serde_json::Value;

use super::api_token::ApiAccess;
use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::people::person::Person;
use crate::policy::document::{Fault, Policy, TokenScope, patch};
use crate::policy::records::{current, group_ids, is_full, keep, keep_by_token};
use crate::policy::versions::Version;
use crate::prompts::change::Act;
use crate::provenance::Given;
use crate::store::{Brand, StoreError, Tx};

/// What an administrator reads if an intruder could otherwise make a report forget an earlier policy.
const TOO_OFTEN: &str = "The policy was changed too often in the last days. The operator can still change it.";

/// Proof that the policy may be changed in this way.
pub struct ChangePolicy<'t> {
    change: Value,
    given: Given,
    actor: String,
    /// The administrator whose phones must still be able to approve after the change.
    approver: Option<String>,
    by_token: bool,
    _brand: Brand<'t>,
}

/// Checks the authority to change the policy.
pub fn check<'t>(tx: &Tx<'t>, authority: &Authority<'t>, now: Time) -> Option<ChangePolicy<'t>> {
    match authority.act() {
        Act::ChangePolicy(change) => {
            let (change, actor) = (change.clone(), authority.actor().to_owned());
            let (given, approver) = (authority.given(now), authority.administrator().map(str::to_owned));
            Some(ChangePolicy { change, given, actor, approver, by_token: false, _brand: tx.brand() })
        }
        _ => None,
    }
}

/// Checks that an API token allows changing the policy. The creation of the token was approved.
pub fn by_api_token<'t>(tx: &Tx<'t>, access: &ApiAccess<'t>, change: &Value) -> Option<ChangePolicy<'t>> {
    let (given, actor) = (access.given(), access.administrator().to_owned());
    let change = change.clone();
    let proof = ChangePolicy { change, given, actor, approver: None, by_token: true, _brand: tx.brand() };
    (access.scope() == TokenScope::ChangePolicy).then_some(proof)
}

/// Result of a change of the policy.
pub enum Changed {
    /// The policy was changed; this is the new document.
    Done(Value),
    /// The change is invalid; nothing was changed.
    Faulty(Vec<Fault>),
}

/// Applies the change (see `document::patch`). If any part of the change is invalid, nothing is changed.
pub fn act<'t>(tx: &mut Tx<'t>, proof: ChangePolicy<'t>, now: Time) -> Result<Changed, StoreError> {
    if is_full(tx, &proof.given, now)? {
        return Ok(Changed::Faulty(vec![Fault { pointer: String::new(), detail: TOO_OFTEN.to_owned() }]));
    }
    let before = current(tx)?;
    let patched = patch(&before, &proof.change, &group_ids(tx)?);
    match keeps_approver(tx, patched, proof.approver.as_deref())? {
        Ok(policy) => {
            let keep = if proof.by_token { keep_by_token } else { keep };
            keep(tx, policy.clone(), proof.given, &proof.actor, now)?;
            audit::record(tx, &proof.actor, "policy_changed", "", now)?;
            Ok(Changed::Done(policy.to_json()?))
        }
        Err(faults) => Ok(Changed::Faulty(faults)),
    }
}

/// Refuses a policy that does not allow the app for the administrator who approved it: they could approve no further
/// change. The operator and an API token can set such a policy.
pub fn keeps_approver(
    tx: &mut Tx<'_>,
    patched: Result<Policy, Vec<Fault>>,
    approver: Option<&str>,
) -> Result<Result<Policy, Vec<Fault>>, StoreError> {
    let (Ok(policy), Some(approver)) = (&patched, approver) else {
        return Ok(patched);
    };
    let person = tx.get::<Person>(approver)?;
    let is_allowed = |one: Person| {
        let version = Version { policy: policy.clone(), ..Version::usual() };
        version.effective(&one.account_id, &one.possible_groups()).mode.is_some()
    };
    if person.is_some_and(is_allowed) {
        return Ok(patched);
    }
    let detail = "With this policy you could not use the app, so you could approve no further change. Include yourself. \
                  The operator can set such a policy on the command line.";
    Ok(Err(vec![Fault { pointer: String::new(), detail: detail.to_owned() }]))
}
