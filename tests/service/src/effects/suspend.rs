//! Suspending a person, and ending a suspension.

use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::endings::{Ending, end};
use crate::people::person::Person;
use crate::prompts::change::Act;
use crate::provenance::Given;
use crate::store::{Brand, StoreError, Tx};

/// Proof that a person may be suspended, or that a suspension may end.
pub struct Suspend<'t> {
    account_id: String,
    suspends: bool,
    given: Given,
    actor: String,
    _brand: Brand<'t>,
}

/// Checks the authority to suspend a person or to end the suspension, and that this changes something: a second end of a
/// suspension would replace what gave the first one.
pub fn check<'t>(tx: &mut Tx<'t>, authority: Authority<'t>, now: Time) -> Result<Option<Suspend<'t>>, StoreError> {
    let (account_id, suspends) = match authority.act() {
        Act::Suspend(account) => (account.clone(), true),
        Act::Resume(account) => (account.clone(), false),
        _ => return Ok(None),
    };
    let (given, actor) = (authority.given(now), authority.actor().to_owned());
    let person = tx.get::<Person>(&account_id)?.filter(|person| person.suspended != suspends);
    Ok(person.map(|_person| Suspend { account_id, suspends, given, actor, _brand: tx.brand() }))
}

/// Suspends the person and ends what they hold except their devices, or ends the suspension. The end of a suspension
/// restores nothing that has ended.
pub fn act<'t>(tx: &mut Tx<'t>, proof: Suspend<'t>, now: Time) -> Result<(), StoreError> {
    let Suspend { account_id, suspends, given, actor, _brand } = proof;
    audit::record(tx, &account_id, if suspends { "suspended" } else { "resumed" }, &actor, now)?;
    if suspends {
        return end(tx, &account_id, &Ending::Suspended, now).map(|_ended| ());
    }
    tx.update::<Person, _>(&account_id, |person| person.resume(given))?.granted();
    Ok(())
}
