//! Raising a session: a phone has approved something in it, so it counts as a sign-in with two factors and is fresh.

use super::approval::Approval;
use crate::clock::Time;
use crate::provenance::Given;
use crate::sign_in::session::Session;
use crate::store::{Brand, Gone, StoreError, Tx};
use crate::verdict::Verdict;

/// Proof that a phone has approved something in this session.
pub struct Raise<'t> {
    session_id: String,
    given: Given,
    _brand: Brand<'t>,
}

/// Checks that the approval belongs to this session. Returns `None` if the session has ended.
pub fn by_approval<'t>(
    tx: &mut Tx<'t>,
    session_id: &str,
    approval: &Approval<'t>,
    now: Time,
) -> Result<Option<Raise<'t>>, StoreError> {
    let session = tx.get::<Session>(session_id)?.filter(|session| session.expires_at > now);
    let is_ours = session.is_some_and(|session| approval.is_of_session(&session));
    Ok(is_ours.then(|| Raise { session_id: session_id.to_owned(), given: approval.given(), _brand: tx.brand() }))
}

/// Raises the session. Nothing happens if it has ended.
pub fn act<'t>(tx: &mut Tx<'t>, proof: Raise<'t>) -> Result<Verdict<(), Gone>, StoreError> {
    tx.update::<Session, _>(&proof.session_id, |session| session.approve(proof.given))
}
