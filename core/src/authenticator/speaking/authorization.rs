//! Pushes authorization requests, and redeems authorization codes (RFC 9126, 9207, 9449, 7636). Between the two
//! requests the person uses the system browser to sign in.
//!
//! Protections:
//!
//! - Only the token request contains the PKCE verifier.
//! - The pushed request and the redirect contain `state`; the URL that the browser opens does not.
//! - The device key signs a proof for the pushed request and for the token request (DPoP).
//! - The redirect must name the issuer.

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

/// The OAuth client: this phone, identified by a device key that the service may not know yet.
pub(crate) struct Client<'a> {
    pub(crate) endpoints: &'a Endpoints,
    pub(crate) device_key: &'a PublicKey,
    pub(crate) key_alias: &'a str,
    /// The service's clock minus this phone's, in seconds.
    pub(crate) clock_offset: i64,
}

impl<'a> Client<'a> {
    /// Returns the client for an account that is on this phone.
    pub(crate) fn of(account: &'a AccountRecord) -> Self {
        Self {
            endpoints: &account.endpoints,
            device_key: &account.device_key,
            key_alias: &account.key_alias,
            clock_offset: account.clock_offset,
        }
    }
}

/// The service's response to a pushed request.
pub(crate) enum Pushed {
    /// The URL that the browser opens, and when the pushed request expires, by this phone's clock.
    Open { url: String, until: Timestamp },
    /// An OAuth error. If the error contains the service's time, the cause of the error may be this phone's clock.
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

/// The body of an OAuth error (RFC 6749 section 5.2). If the service refused the DPoP proof, the body also contains the
/// service's time.
#[derive(Deserialize)]
pub(crate) struct OauthError {
    error: String,
    time: Option<u64>,
}

/// Pushes an authorization request (RFC 9126) for `scope`, with the `further` fields that this scope needs.
///
/// This phone uses the pushed request for at most `MAX_LIFE` seconds, even if the service allows more.
///
/// # Errors
/// `Offline`, `Untrusted`, `Busy`: push again. `InvalidAnswer` when the response can't be parsed. `Platform` when the
/// device key can't sign.
pub(crate) async fn push(
    to: Connection<'_>,
    client: &Client<'_>,
    sent: &Sent,
    scope: &str,
    further: &[(&str, &str)],
) -> Result<Pushed, Error> {
    let endpoints = &client.endpoints.authorization;
    // EXPOSE: only the hash of the verifier is sent.
    let challenge = base64url::encode(digest(&SHA256, sent.verifier.expose().as_bytes()).as_ref());
    let jkt = base64url::encode(&client.device_key.thumbprint());
    let usual = [
        ("client_id", client.endpoints.client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", &sent.redirect_uri),
        ("scope", scope),
        // EXPOSE: the service returns `state` in the redirect.
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

/// Redeems an authorization code for a token that is bound to the device key (RFC 9449).
///
/// # Errors
/// `Refused` for any OAuth error. Examples: the authorization code has expired; or an earlier attempt used the
/// authorization code, but the response to that attempt was lost. Other errors are `InvalidAnswer`, `Offline`,
/// `Untrusted`, `Busy` and `Platform`.
pub(crate) async fn redeem<T: DeserializeOwned>(
    to: Connection<'_>,
    client: &Client<'_>,
    sent: &Sent,
    code: &Bearer,
) -> Result<T, Error> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client.endpoints.client_id.as_str()),
        // EXPOSE: authorization code and verifier are sent only to the service's token endpoint, over TLS.
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

/// Posts a form with a fresh DPoP proof by the device key. Verifies the proof's signature before the request.
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

/// The service's response to a form.
pub(crate) enum FormAnswer<T> {
    /// The response when the service has accepted the form.
    Granted(T),
    /// An OAuth error (RFC 6749 section 5.2).
    Refused(OauthError),
}

/// Parses the service's response to a form. `expected` is the HTTP status of an accepted form.
///
/// # Errors
/// `Busy` for HTTP 429 and 5xx; `InvalidAnswer` when the body can't be parsed.
pub(crate) fn read<T: DeserializeOwned>(reply: &Reply, expected: u16) -> Result<FormAnswer<T>, Error> {
    match reply.status {
        status if status == expected => {
            Ok(FormAnswer::Granted(jose::parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer)?))
        }
        429 | 500.. => Err(Error::Busy),
        _ => {
            let refused: OauthError = jose::parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer)?;
            tracing::info!(error = known(&refused.error), "the service refused an authorization request");
            Ok(FormAnswer::Refused(refused))
        }
    }
}

/// Returns a text for the log: a standard OAuth error code, or `other` for any other text. The service chooses the
/// text, so it may contain anything.
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
