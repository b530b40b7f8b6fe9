//! Resetting a person's methods: every phone is removed.

use super::add_method;
use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::endings::{Ending, end};
use crate::grants::Kind;
use crate::people::person::Person;
use crate::prompts::change::Act;
use crate::provenance::Given;
use crate::store::{Brand, StoreError, Tx};

/// Proof that a person's methods may be reset.
pub struct Reset<'t> {
    account_id: String,
    given: Given,
    actor: String,
    _brand: Brand<'t>,
}

/// Checks the authority to reset a person's methods, and that the person exists.
pub fn check<'t>(tx: &mut Tx<'t>, authority: Authority<'t>, now: Time) -> Result<Option<Reset<'t>>, StoreError> {
    let Act::Reset(account_id) = authority.act() else {
        return Ok(None);
    };
    let (person, given) = (tx.get::<Person>(account_id)?, authority.given(now));
    let actor = authority.actor().to_owned();
    Ok(person.map(|person| Reset { account_id: person.account_id, given, actor, _brand: tx.brand() }))
}

/// Removes every phone, and ends sessions, known browsers, passes and API tokens. Returns the number of removed phones.
pub fn act<'t>(tx: &mut Tx<'t>, proof: Reset<'t>, now: Time) -> Result<usize, StoreError> {
    let Reset { account_id, given, actor, _brand } = proof;
    audit::record(tx, &account_id, "phones_removed", &actor, now)?;
    let ended = end(tx, &account_id, &Ending::Reset, now)?;
    add_method::record_removal(tx, &account_id, &given)?;
    Ok(ended.count(Kind::Device))
}
