//! Signing the person in, in the system browser: pushed request, redirect, token (RFC 9126, 9207, 9449, 7636).
//!
//! What keeps others out: `state` and PKCE verifier never leave this phone, the pushed request and the token
//! request are proved by the device key, and what comes back must name the issuer.

use ring::digest::{SHA256, digest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::authenticator::error::Error;
use crate::authenticator::network::http::{Form, Reply};
use crate::authenticator::network::metadata::Endpoints;
use crate::authenticator::ports::check_own_signature;
use crate::authenticator::records::account::AccountRecord;
use crate::authenticator::speaking::connection::Connection;
use crate::authenticator::step::redirect::{MAX_LIFE, Sent};
use crate::base::bearer::Bearer;
use crate::base::clock::Timestamp;
use crate::base::jose;
use crate::base::jose::{HeaderKey, PublicKey, base64url};
use crate::base::secret::random;

const DPOP_TYP: &str = "dpop+jwt";

/// Who asks: this phone by a device key, which the service need not know yet.
pub(crate) struct Client<'a> {
    pub(crate) endpoints: &'a Endpoints,
    pub(crate) device_key: &'a PublicKey,
    pub(crate) key_alias: &'a str,
    pub(crate) clock_offset: i64,
}

impl<'a> Client<'a> {
    /// The device of an account.
    pub(crate) fn of(account: &'a AccountRecord) -> Self {
        Self {
            endpoints: &account.endpoints,
            device_key: &account.device_key,
            key_alias: &account.key_alias,
            clock_offset: account.clock_offset,
        }
    }
}

/// What became of a pushed request.
pub(crate) enum Pushed {
    /// What the browser opens, and until when by this phone's clock.
    Open { url: String, until: Timestamp },
    /// Refused, with the service's time: perhaps this phone's clock was the reason.
    Refused { time: Option<u64> },
}

#[derive(Serialize)]
struct DpopClaims<'a> {
    jti: String,
    htm: &'static str,
    htu: &'a str,
    iat: u64,
}

#[derive(Deserialize)]
struct PushedAnswer {
    request_uri: String,
    expires_in: u64,
}

/// Why a form was refused.
#[derive(Deserialize)]
pub(crate) struct OauthError {
    error: String,
    time: Option<u64>,
}

/// Pushes the request, with what its scope asks for beside the usual.
///
/// # Errors
/// `Offline`, `Untrusted`, `Busy`: nothing is known of it, push again.
pub(crate) async fn push(
    to: Connection<'_>,
    client: &Client<'_>,
    sent: &Sent,
    scope: &str,
    further: &[(&str, &str)],
) -> Result<Pushed, Error> {
    let endpoints = &client.endpoints.authorization;
    // EXPOSE: only the hash of the verifier travels.
    let challenge = base64url::encode(digest(&SHA256, sent.verifier.expose().as_bytes()).as_ref());
    let jkt = base64url::encode(&client.device_key.thumbprint());
    let usual = [
        ("client_id", client.endpoints.client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", &sent.redirect_uri),
        ("scope", scope),
        // EXPOSE: the service gives it back in the redirect.
        ("state", sent.state.expose()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("dpop_jkt", &jkt),
        ("prompt", "login"),
    ];
    let fields = [&usual[..], further].concat();
    let reply = post(to, client, &endpoints.pushed_authorization_request_endpoint, &fields).await?;
    let answer: PushedAnswer = match read(&reply, 201)? {
        FormAnswer::Granted(answer) => answer,
        FormAnswer::Refused(refused) => return Ok(Pushed::Refused { time: refused.time }),
    };
    let mut url = Url::parse(&endpoints.authorization_endpoint).map_err(|_checked| Error::InvalidAnswer)?;
    url.query_pairs_mut()
        .append_pair("client_id", &client.endpoints.client_id)
        .append_pair("request_uri", &answer.request_uri);
    let until = to.ports.clock.now().plus(answer.expires_in.min(MAX_LIFE));
    Ok(Pushed::Open { url: url.into(), until })
}

/// Redeems the code for a token bound to the device key.
///
/// # Errors
/// `Refused` when the code is no longer good; `InvalidAnswer` for what the reader does not know.
pub(crate) async fn redeem<T: DeserializeOwned>(
    to: Connection<'_>,
    client: &Client<'_>,
    sent: &Sent,
    code: &Bearer,
) -> Result<T, Error> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client.endpoints.client_id.as_str()),
        // EXPOSE: both are what the token is given for, over the service's own connection.
        ("code", code.expose()),
        ("code_verifier", sent.verifier.expose()),
        ("redirect_uri", &sent.redirect_uri),
    ];
    let reply = post(to, client, &client.endpoints.authorization.token_endpoint, &fields).await?;
    match read(&reply, 200)? {
        FormAnswer::Granted(answer) => Ok(answer),
        FormAnswer::Refused(_) => Err(Error::Refused),
    }
}

async fn post(
    to: Connection<'_>,
    client: &Client<'_>,
    endpoint: &str,
    fields: &[(&str, &str)],
) -> Result<Reply, Error> {
    let jti: [u8; 16] = random()?;
    let claims = DpopClaims {
        jti: base64url::encode(&jti),
        htm: "POST",
        htu: endpoint,
        iat: to.ports.clock.now().shifted(client.clock_offset).0,
    };
    let proof = to.ports.sign_jws(client.key_alias, DPOP_TYP, HeaderKey::Jwk(client.device_key), &claims).await?;
    check_own_signature(&proof, client.device_key)?;
    Ok(to.http.post_form(endpoint, Form { fields, proof: &proof }).await?)
}

/// What the service answers to a form.
pub(crate) enum FormAnswer<T> {
    /// What was asked for.
    Granted(T),
    /// An OAuth error (RFC 6749 section 5.2).
    Refused(OauthError),
}

/// Reads what the service answers to a form.
pub(crate) fn read<T: DeserializeOwned>(reply: &Reply, expected: u16) -> Result<FormAnswer<T>, Error> {
    match reply.status {
        status if status == expected => {
            Ok(FormAnswer::Granted(jose::parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer)?))
        }
        429 | 500.. => Err(Error::Busy),
        _ => {
            let refused: OauthError = jose::parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer)?;
            tracing::info!(error = known(&refused.error), "a request to sign in was refused");
            Ok(FormAnswer::Refused(refused))
        }
    }
}

/// Only codes of the standards reach a log.
fn known(error: &str) -> &'static str {
    const KNOWN: [&str; 6] = [
        "invalid_grant",
        "invalid_dpop_proof",
        "invalid_request",
        "invalid_client",
        "invalid_redirect_uri",
        "invalid_scope",
    ];
    KNOWN.into_iter().find(|known| *known == error).unwrap_or("other")
}
