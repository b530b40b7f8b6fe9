//! Redeems authorization codes, in the caller's transaction.

use serde::Serialize;

use crate::app::App;
use crate::clock::Time;
use crate::effects::issue_token::{self, Issued, Redemption, TOKEN_LIFE};
use crate::jose::SigningKey;
use crate::openid::request::AuthorizationRequest;
use crate::people::person::Person;
use crate::sign_in::session::Session;
use crate::store::{StoreError, Tx};

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

/// Redeems an authorization code. Returns `None` if the authorization code is refused. If the authorization code was
/// used before, ends the session for which it was issued.
pub(super) fn redeem(tx: &mut Tx<'_>, app: &App, by: &Redemption, now: Time) -> Result<Option<Tokens>, StoreError> {
    let Some(proof) = issue_token::check(tx, by, now)? else {
        return Ok(None);
    };
    let Issued { access_token, code, session, person } = issue_token::act(tx, proof, now)?;
    let id_token = id_token(app, app.keys.id_token(), &session, &person, &code.request, now)?;
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
