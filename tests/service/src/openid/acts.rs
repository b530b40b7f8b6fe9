//! Issues and redeems authorization codes, in the caller's transaction.

use serde::Serialize;

use crate::app::App;
use crate::clock::Time;
use crate::endings::end_session;
use crate::jose::SigningKey;
use crate::openid::records::Token;
use crate::openid::request::{AuthorizationRequest, Code};
use crate::openid::rules::{Worth, worth};
use crate::people::person::Person;
use crate::secrets::{hashed, random_id};
use crate::sign_in::session::Session;
use crate::store::{StoreError, Tx};

const CODE_LIFE: Time = 60;
/// Lifetime of access tokens and ID tokens.
pub(super) const TOKEN_LIFE: Time = 600;

/// Issues an authorization code for a session, and returns it. The database contains only the hash of the authorization
/// code.
pub(super) fn issue(
    tx: &mut Tx<'_>,
    session: &Session,
    request: AuthorizationRequest,
    now: Time,
) -> Result<String, StoreError> {
    let code = random_id()?;
    tx.insert(&Code {
        id: hashed(code.as_bytes()),
        request,
        account_id: session.account_id.clone(),
        session: session.id.clone(),
        expires_at: now + CODE_LIFE,
        used: false,
    })?;
    Ok(code)
}

#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: Time,
    exp: Time,
    auth_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    amr: &'a [&'a str],
    acr: &'a str,
    preferred_username: &'a str,
    name: &'a str,
}

/// The response to a redeemed authorization code.
#[derive(Serialize)]
pub(super) struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: Time,
    id_token: String,
}

/// The client's request to redeem an authorization code.
pub(super) struct Redemption {
    pub(super) code: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) verifier: String,
}

/// Redeems an authorization code. Returns `None` if the authorization code is refused. If the authorization code was
/// used before, ends the session for which it was issued.
pub(super) fn redeem(tx: &mut Tx<'_>, app: &App, by: &Redemption, now: Time) -> Result<Option<Tokens>, StoreError> {
    let Some(code) = tx.get::<Code>(&hashed(by.code.as_bytes()))? else {
        return Ok(None);
    };
    match worth(&code, &by.client_id, &by.redirect_uri, &by.verifier, now) {
        Worth::Tokens => {}
        Worth::UsedBefore => {
            end_session(tx, &code.session, now)?;
            return Ok(None);
        }
        Worth::Nothing => return Ok(None),
    }
    let session = tx.get::<Session>(&code.session)?;
    let person = tx.get::<Person>(&code.account_id)?;
    let (Some(session), Some(person)) = (session, person) else {
        return Ok(None);
    };
    let access_token = random_id()?;
    tx.insert(&Token {
        id: hashed(access_token.as_bytes()),
        session: session.id.clone(),
        code: code.id.clone(),
        account_id: person.account_id.clone(),
        expires_at: now + TOKEN_LIFE,
    })?;
    let id_token = id_token(app, app.keys.id_token(), &session, &person, &code.request, now)?;
    tx.update::<Code, _>(&code.id, |code| code.used = true)?.granted();
    Ok(Some(Tokens { access_token, token_type: "Bearer", expires_in: TOKEN_LIFE, id_token }))
}

fn id_token(
    app: &App,
    key: &SigningKey,
    session: &Session,
    person: &Person,
    request: &AuthorizationRequest,
    now: Time,
) -> Result<String, StoreError> {
    let claims = IdToken {
        iss: &app.config.issuer,
        sub: &person.account_id,
        aud: &request.client_id,
        iat: now,
        exp: now + TOKEN_LIFE,
        auth_time: session.authenticated_at,
        nonce: request.nonce.as_deref(),
        amr: session.used.methods(),
        acr: session.used.class(),
        preferred_username: &person.user_name,
        name: &person.display_name,
    };
    key.sign("JWT", &claims).map_err(|_library| StoreError::Stopped)
}
