//! Changing a password by its owner, and setting a password by the operator.

use crate::audit;
use crate::clock::Time;
use crate::endings::{Ending, end};
use crate::passwords::Hash;
use crate::people::person::Person;
use crate::provenance::Given;
use crate::sign_in::attempt::Attempt;
use crate::store::{Brand, StoreError, Tx};

/// Proof that the password of this account may be replaced.
pub struct Replace<'t> {
    account_id: String,
    by_owner: bool,
    _brand: Brand<'t>,
}

/// Checks that the person of an attempt has just typed the password that must be changed, and that it is unchanged.
pub fn by_owner<'t>(tx: &mut Tx<'t>, attempt_id: &str, now: Time) -> Result<Option<Replace<'t>>, StoreError> {
    let attempt = tx.get::<Attempt>(attempt_id)?.filter(|attempt| attempt.expires_at > now);
    let Some(proven) = attempt.and_then(|attempt| attempt.must_change).filter(|proven| proven.is_fresh(now)) else {
        return Ok(None);
    };
    let person = tx.get::<Person>(&proven.account_id)?;
    let may = person.is_some_and(|person| person.must_change_password && proven.still_counts(&person));
    Ok(may.then(|| Replace { account_id: proven.account_id, by_owner: true, _brand: tx.brand() }))
}

/// The operator may set every password.
pub(crate) fn by_operator<'t>(tx: &mut Tx<'t>, account_id: &str) -> Result<Option<Replace<'t>>, StoreError> {
    let person = tx.get::<Person>(account_id)?;
    Ok(person.map(|person| Replace { account_id: person.account_id, by_owner: false, _brand: tx.brand() }))
}

/// Sets the password. A change by the owner ends what the old password alone has verified; a password that the operator
/// sets also ends sessions, known browsers, passes and API tokens, and must be changed at the next sign-in. Returns the
/// new password as what gives a grant.
pub fn act<'t>(tx: &mut Tx<'t>, proof: Replace<'t>, hash: &Hash, now: Time) -> Result<Given, StoreError> {
    let (must_change, ending) = match proof.by_owner {
        true => (false, Ending::PasswordChanged),
        false => (true, Ending::PasswordSet),
    };
    let set = |person: &mut Person| {
        person.set_password(hash, now);
        person.must_change_password = must_change;
        person.password_changed_at
    };
    let since = tx.update(&proof.account_id, set)?.granted().ok_or(StoreError::Stopped)?;
    audit::record(tx, &proof.account_id, "password_changed", "", now)?;
    let _ended = end(tx, &proof.account_id, &ending, now)?;
    Ok(Given::by_password(since, now))
}
