//! Adding a person.

use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::people::person::Person;
use crate::people::records as people;
use crate::prompts::ceremony::Ceremony;
use crate::prompts::change::Act;
use crate::provenance::Given;
use crate::store::{Brand, StoreError, Tx};

/// Proof that a person with this user name may be added.
pub struct AddPerson<'t> {
    user_name: String,
    display_name: String,
    given: Given,
    actor: String,
    _brand: Brand<'t>,
}

/// Checks the authority to add a person.
pub fn check<'t>(tx: &mut Tx<'t>, authority: &Authority<'t>, now: Time) -> Option<AddPerson<'t>> {
    let Act::AddPerson { user_name, display_name } = authority.act().clone() else {
        return None;
    };
    let (given, actor) = (authority.given(now), authority.actor().to_owned());
    Some(AddPerson { user_name, display_name, given, actor, _brand: tx.brand() })
}

/// Adds the person, whose password was hashed before the transaction. Returns false if the user name is taken, or if the
/// person is not the one of the proof.
pub fn act<'t>(tx: &mut Tx<'t>, proof: AddPerson<'t>, person: &Person, now: Time) -> Result<bool, StoreError> {
    let AddPerson { user_name, display_name, given, actor, _brand } = proof;
    let mut person = person.clone();
    person.added_by = Some(given);
    if person.user_name != user_name.trim() || person.display_name != display_name || !people::add(tx, &person)? {
        return Ok(false);
    }
    if let Some(approval) = person.added_by.as_ref().and_then(|given| given.approvals().first()) {
        let added = |ceremony: &mut Ceremony| ceremony.added = Some(person.account_id.clone());
        tx.update(&approval.ceremony, added)?.granted();
    }
    audit::record(tx, &person.account_id, "person_added", &actor, now)?;
    Ok(true)
}
