//! Making a person an administrator, and removing that role.

use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::endings::{Ending, end};
use crate::people::person::Person;
use crate::prompts::change::Act;
use crate::provenance::Given;
use crate::store::{Brand, StoreError, Tx};

/// Proof that a person may get or lose the role of an administrator.
pub struct Administrator<'t> {
    account_id: String,
    becomes: bool,
    given: Given,
    actor: String,
    _brand: Brand<'t>,
}

/// Checks the authority to change the role, and that this changes something: a second grant would replace what gave the
/// role, and a report of the first one would then not end it. The operator can confirm a role, which no report ends then.
/// A suspended person does not become an administrator.
pub fn check<'t>(
    tx: &mut Tx<'t>,
    authority: Authority<'t>,
    now: Time,
) -> Result<Option<Administrator<'t>>, StoreError> {
    let (account_id, becomes) = match authority.act() {
        Act::MakeAdministrator(account) => (account.clone(), true),
        Act::RemoveAdministrator(account) => (account.clone(), false),
        _ => return Ok(None),
    };
    // GUARD(suspended-becomes-administrator): administrative_acts_have_no_fault
    // INSTEAD: let person = tx.get::<Person>(&account_id)?;
    let person = tx.get::<Person>(&account_id)?.filter(|person| !(becomes && person.suspended));
    let (given, actor) = (authority.given(now), authority.actor().to_owned());
    let by_operator = authority.administrator().is_none();
    // GUARD(role-given-once): a_role_is_not_given_twice
    let person = person.filter(|person| person.is_administrator != becomes || (by_operator && becomes));
    Ok(person.map(|_person| Administrator { account_id, becomes, given, actor, _brand: tx.brand() }))
}

/// Changes the role. A person who loses it also loses their API tokens.
pub fn act<'t>(tx: &mut Tx<'t>, proof: Administrator<'t>, now: Time) -> Result<(), StoreError> {
    let Administrator { account_id, becomes, given, actor, _brand } = proof;
    if becomes {
        tx.update::<Person, _>(&account_id, |person| person.give_role(given))?.granted();
    }
    let what = if becomes { "made_administrator" } else { "no_longer_administrator" };
    audit::record(tx, &account_id, what, &actor, now)?;
    if !becomes {
        let _ended = end(tx, &account_id, &Ending::NoLongerAdministrator, now)?;
    }
    Ok(())
}
