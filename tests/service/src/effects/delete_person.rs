//! Deleting a person.

use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::endings::{Ending, end};
use crate::people::person::Person;
use crate::prompts::change::Act;
use crate::store::{Brand, StoreError, Tx};

/// Proof that a person may be deleted.
pub struct DeletePerson<'t> {
    person: Person,
    actor: String,
    _brand: Brand<'t>,
}

/// Checks the authority to delete a person, and that the person exists.
pub fn check<'t>(tx: &mut Tx<'t>, authority: Authority<'t>) -> Result<Option<DeletePerson<'t>>, StoreError> {
    let Act::DeletePerson(account_id) = authority.act() else {
        return Ok(None);
    };
    let (person, actor) = (tx.get::<Person>(account_id)?, authority.actor().to_owned());
    Ok(person.map(|person| DeletePerson { person, actor, _brand: tx.brand() }))
}

/// Ends every grant of the person and deletes the person. The phones become tombstones, so that they learn of their removal. The audit
/// log stays.
pub fn act<'t>(tx: &mut Tx<'t>, proof: DeletePerson<'t>, now: Time) -> Result<(), StoreError> {
    let DeletePerson { person, actor, _brand } = proof;
    let _ended = end(tx, &person.account_id, &Ending::Deleted, now)?;
    audit::record(tx, &person.account_id, "person_deleted", &actor, now)
}
