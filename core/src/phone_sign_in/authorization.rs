//! Signing the person in to register this device: pushed request, redirect, token (RFC 9126, 9207, 9449, 7636).
//!
//! What keeps others out: `state` and PKCE verifier never leave this phone, the pushed request and the token
//! request are proved by the device key, and what comes back must name the issuer.

use ring::digest::{SHA256, digest};
use ring::hmac;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::account::AccountRecord;
use crate::authenticator::{Core, check_own_signature};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::http::{Form, Reply};
use crate::issuer::Issuer;
use crate::jose::{self, HeaderKey, base64url};
use crate::platform::PlatformError;
use crate::secret::{Bearer, random};
use crate::step::NotAllowed;

const DPOP_TYP: &str = "dpop+jwt";
const SCOPE: &str = "device_registration";
/// Whatever a service says, nothing of a registration is kept longer than this, in seconds.
const MAX_LIFE: u64 = 600;
/// Time for the last request to arrive before the nonce ends, in seconds.
const SLACK: u64 = 10;

/// What was sent with the pushed request, and what must fit when the browser comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    redirect_uri: String,
    state: Bearer,
    verifier: Bearer,
}

/// What the token response gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Authorized {
    pub(super) token: Bearer,
    pub(super) nonce: Bearer,
    /// By this phone's clock.
    pub(super) until: Timestamp,
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

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Bearer,
    token_type: String,
    scope: String,
    nonce: Bearer,
    nonce_expires_in: u64,
    sub: String,
}

#[derive(Deserialize)]
struct OauthError {
    error: String,
}

impl Sent {
    /// Fresh state and verifier for one trip to the browser.
    pub(super) fn make(redirect_uri: String) -> Result<Self, Error> {
        let fresh = || -> Result<Bearer, Error> {
            let bytes: [u8; 32] = random().map_err(|_none| Error::Platform(PlatformError::Unusable))?;
            Ok(Bearer::new(base64url::encode(&bytes)))
        };
        Ok(Self { redirect_uri, state: fresh()?, verifier: fresh()? })
    }

    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The code that came back, or why there is none.
    ///
    /// # Errors
    /// `ForeignRedirect` for an answer to something else: another address, state or issuer (RFC 9207), a member
    /// twice, neither code nor error. It changes nothing, so that nobody can end the real act with it.
    pub(super) fn read_redirect(&self, url: &str, issuer: &Issuer) -> Result<Result<Bearer, NotAllowed>, Error> {
        let foreign = |_malformed| Error::ForeignRedirect;
        let (url, home) = (Url::parse(url).map_err(foreign)?, Url::parse(&self.redirect_uri).map_err(foreign)?);
        let mut bare = url.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        let one = |name: &str| {
            let mut values = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            let first = values.next();
            if values.next().is_some() { Err(Error::ForeignRedirect) } else { Ok(first) }
        };
        let (state, iss) = (one("state")?.unwrap_or_default(), one("iss")?.unwrap_or_default());
        if bare != home || iss != issuer.as_str() || !same(&state, &self.state) {
            return Err(Error::ForeignRedirect);
        }
        match (one("code")?, one("error")?) {
            (Some(code), None) if !code.is_empty() => Ok(Ok(Bearer::new(code))),
            (None, Some(error)) if error == "access_denied" => Ok(Err(NotAllowed::ByPerson)),
            (None, Some(_)) => Ok(Err(NotAllowed::Refused)),
            (Some(_), _) | (None, None) => Err(Error::ForeignRedirect),
        }
    }
}

/// In constant time.
fn same(given: &str, kept: &Bearer) -> bool {
    // EXPOSE: compared, under a key of the moment so that time tells nothing.
    let key = hmac::Key::new(hmac::HMAC_SHA256, kept.expose().as_bytes());
    let expected = hmac::sign(&key, kept.expose().as_bytes());
    hmac::verify(&key, given.as_bytes(), expected.as_ref()).is_ok()
}

/// Pushes the request; returns what the browser opens, and until when by this phone's clock.
///
/// # Errors
/// `Offline`, `Untrusted`, `Busy`: nothing is known of it, push again. `Refused`: the service won't.
pub(super) async fn push(core: &Core, account: &AccountRecord, sent: &Sent) -> Result<(String, Timestamp), Error> {
    let endpoints = &account.endpoints.authorization;
    // EXPOSE: only the hash of the verifier travels.
    let challenge = base64url::encode(digest(&SHA256, sent.verifier.expose().as_bytes()).as_ref());
    let jkt = base64url::encode(&account.device_key.thumbprint());
    let fields = [
        ("client_id", account.endpoints.client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", &sent.redirect_uri),
        ("scope", SCOPE),
        // EXPOSE: the service gives it back in the redirect.
        ("state", sent.state.expose()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("dpop_jkt", &jkt),
        ("prompt", "login"),
    ];
    let reply = post(core, account, &endpoints.pushed_authorization_request_endpoint, &fields).await?;
    let answer: PushedAnswer = read(&reply, 201)?;
    let mut url = Url::parse(&endpoints.authorization_endpoint).map_err(|_checked| Error::InvalidAnswer)?;
    url.query_pairs_mut()
        .append_pair("client_id", &account.endpoints.client_id)
        .append_pair("request_uri", &answer.request_uri);
    Ok((url.into(), core.ports.clock.now().plus(answer.expires_in.min(MAX_LIFE))))
}

/// Redeems the code for a token bound to the device key.
///
/// # Errors
/// `Refused` when the code is no longer good; `InvalidAnswer` for a token of another kind or account.
pub(super) async fn redeem(
    core: &Core,
    account: &AccountRecord,
    sent: &Sent,
    code: &Bearer,
) -> Result<Authorized, Error> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", account.endpoints.client_id.as_str()),
        // EXPOSE: both are what the token is given for, over the service's own connection.
        ("code", code.expose()),
        ("code_verifier", sent.verifier.expose()),
        ("redirect_uri", &sent.redirect_uri),
    ];
    let reply = post(core, account, &account.endpoints.authorization.token_endpoint, &fields).await?;
    let answer: TokenAnswer = read(&reply, 200)?;
    if answer.token_type != "DPoP" || answer.scope != SCOPE || answer.sub != account.account_id {
        return Err(Error::InvalidAnswer);
    }
    let life = answer.nonce_expires_in.min(MAX_LIFE).saturating_sub(SLACK);
    Ok(Authorized { token: answer.access_token, nonce: answer.nonce, until: core.ports.clock.now().plus(life) })
}

async fn post(core: &Core, account: &AccountRecord, endpoint: &str, fields: &[(&str, &str)]) -> Result<Reply, Error> {
    let jti: [u8; 16] = random().map_err(|_none| Error::Platform(PlatformError::Unusable))?;
    let claims = DpopClaims {
        jti: base64url::encode(&jti),
        htm: "POST",
        htu: endpoint,
        iat: core.ports.clock.now().shifted(account.clock_offset).0,
    };
    let proof = core.sign_jws(&account.key_alias, DPOP_TYP, HeaderKey::Jwk(&account.device_key), &claims).await?;
    check_own_signature(&proof, &account.device_key)?;
    core.http.post_form(endpoint, Form { fields, proof: &proof }).await
}

fn read<T: serde::de::DeserializeOwned>(reply: &Reply, expected: u16) -> Result<T, Error> {
    match reply.status {
        status if status == expected => jose::parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer),
        429 | 500.. => Err(Error::Busy),
        _ => match jose::parse::<OauthError>(&reply.body) {
            Ok(refused) => {
                tracing::info!(error = known(&refused.error), "a registration was refused");
                Err(Error::Refused)
            }
            Err(_malformed) => Err(Error::InvalidAnswer),
        },
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

#[cfg(test)]
mod tests;
