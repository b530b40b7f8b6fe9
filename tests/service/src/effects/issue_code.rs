//! Issuing an authorization code to an application, for a session.

use crate::clock::Time;
use crate::openid::request::{AuthorizationRequest, Code};
use crate::people::person::Person;
use crate::secrets::{hashed, random_id};
use crate::sign_in::session::Session;
use crate::store::{Brand, StoreError, Tx};

const CODE_LIFE: Time = 60;

/// Proof that a session may open applications.
pub struct IssueCode<'t> {
    session: Session,
    _brand: Brand<'t>,
}

/// Checks that the session still exists, that a phone has approved it, and that the person is not suspended.
pub fn check<'t>(tx: &mut Tx<'t>, session_id: &str, now: Time) -> Result<Option<IssueCode<'t>>, StoreError> {
    let session = tx.get::<Session>(session_id)?;
    let Some(session) = session.filter(|session| session.expires_at > now && session.approved.is_some()) else {
        return Ok(None);
    };
    let person = tx.get::<Person>(&session.account_id)?;
    Ok(person.filter(|person| !person.suspended).map(|_person| IssueCode { session, _brand: tx.brand() }))
}

/// Issues the authorization code, and returns it. The database contains only its hash.
pub fn act<'t>(
    tx: &mut Tx<'t>,
    proof: IssueCode<'t>,
    request: &AuthorizationRequest,
    now: Time,
) -> Result<String, StoreError> {
    let code = random_id()?;
    tx.insert(&Code {
        id: hashed(code.as_bytes()),
        request: request.clone(),
        account_id: proof.session.account_id,
        session: proof.session.id,
        issued_at: now,
        expires_at: now + CODE_LIFE,
        used: false,
    })?;
    Ok(code)
}
