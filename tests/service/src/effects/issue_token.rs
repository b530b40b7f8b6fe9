//! Issuing tokens to an application, for its authorization code.

use crate::clock::Time;
use crate::endings::{Ending, end};
use crate::openid::records::Token;
use crate::openid::request::Code;
use crate::openid::rules::{Worth, worth};
use crate::people::person::Person;
use crate::secrets::{hashed, random_id};
use crate::sign_in::session::Session;
use crate::store::{Brand, StoreError, Tx};

/// Longest lifetime of access tokens and ID tokens. They don't outlive their session.
pub const TOKEN_LIFE: Time = 600;

/// The client's request to redeem an authorization code.
pub struct Redemption {
    /// The authorization code.
    pub code: String,
    /// The authenticated client.
    pub client_id: String,
    /// The return address.
    pub redirect_uri: String,
    /// The PKCE verifier.
    pub verifier: String,
}

/// Proof that an authorization code was spent by its client.
pub struct IssueToken<'t> {
    code: Code,
    session: Session,
    person: Person,
    _brand: Brand<'t>,
}

/// Checks the authorization code, the session for which it was issued and the person, and spends the code. If the code
/// was used before, ends the session.
pub fn check<'t>(tx: &mut Tx<'t>, by: &Redemption, now: Time) -> Result<Option<IssueToken<'t>>, StoreError> {
    let Some(code) = tx.get::<Code>(&hashed(by.code.as_bytes()))? else {
        return Ok(None);
    };
    match worth(&code, &by.client_id, &by.redirect_uri, &by.verifier, now) {
        Worth::Tokens => {}
        Worth::UsedBefore => {
            let _ended = end(tx, &code.account_id, &Ending::SignedOut(code.session), now)?;
            return Ok(None);
        }
        Worth::Nothing => return Ok(None),
    }
    let session = tx.get::<Session>(&code.session)?.filter(|session| session.expires_at > now);
    let person = tx.get::<Person>(&code.account_id)?.filter(|person| !person.suspended);
    let (Some(session), Some(person)) = (session, person) else {
        return Ok(None);
    };
    tx.update::<Code, _>(&code.id, |code| code.used = true)?.granted();
    Ok(Some(IssueToken { code, session, person, _brand: tx.brand() }))
}

/// An issued access token, and the facts for the ID token.
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// The lifetime of the tokens, in seconds.
    pub expires_in: Time,
    /// The redeemed authorization code.
    pub code: Code,
    /// The session.
    pub session: Session,
    /// The person.
    pub person: Person,
}

/// Issues the access token.
pub fn act<'t>(tx: &mut Tx<'t>, proof: IssueToken<'t>, now: Time) -> Result<Issued, StoreError> {
    let IssueToken { code, session, person, _brand } = proof;
    let access_token = random_id()?;
    let expires_at = session.expires_at.min(now + TOKEN_LIFE);
    tx.insert(&Token {
        id: hashed(access_token.as_bytes()),
        session: session.id.clone(),
        code: code.id.clone(),
        account_id: person.account_id.clone(),
        issued_at: now,
        expires_at,
    })?;
    Ok(Issued { access_token, expires_in: expires_at - now, code, session, person })
}
