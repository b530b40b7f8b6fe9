//! Redeems authorization codes, in the caller's transaction.

use serde::Serialize;

use crate::app::App;
use crate::clock::Time;
use crate::effects::issue_token::{self, Issued, Redemption};
use crate::jose::SigningKey;
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
    let issued = issue_token::act(tx, proof, now)?;
    let id_token = id_token(app, app.keys.id_token(), &issued, now)?;
    let Issued { access_token, expires_in, .. } = issued;
    Ok(Some(Tokens { access_token, token_type: "Bearer", expires_in, id_token }))
}

fn id_token(app: &App, key: &SigningKey, issued: &Issued, now: Time) -> Result<String, StoreError> {
    let Issued { code, session, person, .. } = issued;
    let claims = IdToken {
        iss: &app.config.issuer,
        sub: &person.account_id,
        aud: &code.request.client_id,
        iat: now,
        exp: now + issued.expires_in,
        auth_time: session.authenticated_at,
        nonce: code.request.nonce.as_deref(),
        amr: session.used.methods(),
        acr: session.used.class(),
        preferred_username: &person.user_name,
        name: &person.display_name,
    };
    key.sign("JWT", &claims).map_err(|_library| StoreError::Stopped)
}
