//! The rules of authorization requests and codes, pure.

use std::collections::HashMap;

use crate::clock::Time;
use crate::config::Client;
use crate::openid::request::{AuthorizationRequest, Code};
use crate::secrets::{decode, hashed};

/// What is wrong with an authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Client or redirect address can't be trusted: say so here, send nobody anywhere.
    Untrusted(&'static str),
    /// Told to the client by redirect (RFC 6749 section 4.1.2.1).
    Told {
        /// Where to.
        redirect_uri: String,
        /// The client's state.
        state: Option<String>,
        /// The error code.
        error: &'static str,
    },
}

/// Reads an authorization request.
pub fn read(parameters: &HashMap<String, String>, clients: &[Client]) -> Result<AuthorizationRequest, Fault> {
    let get = |name: &str| parameters.get(name).cloned();
    let client_id = get("client_id").ok_or(Fault::Untrusted("The link names no application."))?;
    let client = clients
        .iter()
        .find(|client| client.id == client_id)
        .ok_or(Fault::Untrusted("The application in the link is not registered here."))?;
    let redirect_uri = get("redirect_uri").ok_or(Fault::Untrusted("The link has no return address."))?;
    // GUARD(return-address-exact): nobody_is_sent_to_an_address_that_is_not_registered
    // INSTEAD: if !client.redirect_uris.iter().any(|known| redirect_uri.starts_with(known.as_str())) {
    if !client.redirect_uris.contains(&redirect_uri) {
        return Err(Fault::Untrusted("The return address in the link does not belong to the application."));
    }
    let told = |error| Fault::Told { redirect_uri: redirect_uri.clone(), state: get("state"), error };
    if get("response_type").as_deref() != Some("code") {
        return Err(told("unsupported_response_type"));
    }
    if !get("scope").is_some_and(|scope| scope.split(' ').any(|one| one == "openid")) {
        return Err(told("invalid_scope"));
    }
    if get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(told("invalid_request"));
    }
    if get("request").is_some() || get("request_uri").is_some() {
        return Err(told("request_not_supported"));
    }
    let challenge = get("code_challenge").filter(|challenge| decode(challenge).is_some_and(|hash| hash.len() == 32));
    let (Some(code_challenge), Some("S256")) = (challenge, get("code_challenge_method").as_deref()) else {
        return Err(told("invalid_request"));
    };
    Ok(AuthorizationRequest {
        client_id,
        application: client.name.clone(),
        redirect_uri: redirect_uri.clone(),
        state: get("state"),
        nonce: get("nonce"),
        code_challenge,
    })
}

/// What an application wants of the sign-in itself (OpenID Connect Core section 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// A session is fine.
    Any,
    /// A session would have been needed, since no page may be shown.
    Impossible,
    /// The person must sign in now.
    SignInNow,
}

/// Reads `prompt` and `max_age`; a `max_age` that is no number asks for the safest thing.
#[must_use]
pub fn freshness(parameters: &HashMap<String, String>, authenticated_at: Option<Time>, now: Time) -> Freshness {
    let too_old = parameters.get("max_age").is_some_and(|age| match (age.parse::<u32>(), authenticated_at) {
        (Ok(age), Some(at)) => now - at > Time::from(age),
        _ => true,
    });
    let must_sign_in = wants(parameters, "login") || too_old || authenticated_at.is_none();
    match (must_sign_in, wants(parameters, "none")) {
        (false, _) => Freshness::Any,
        (true, false) => Freshness::SignInNow,
        (true, true) => Freshness::Impossible,
    }
}

/// Whether an application asks for a sign-in of its own: no session made meanwhile in another tab will do.
#[must_use]
pub fn wants_sign_in(parameters: &HashMap<String, String>) -> bool {
    wants(parameters, "login") || parameters.contains_key("max_age")
}

fn wants(parameters: &HashMap<String, String>, wanted: &str) -> bool {
    parameters.get("prompt").is_some_and(|all| all.split(' ').any(|one| one == wanted))
}

/// What a client gets for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// Tokens.
    Tokens,
    /// Nothing: it was used before, and what it gave then ends.
    UsedBefore,
    /// Nothing.
    Nothing,
}

/// What a code is worth to this client now.
#[must_use]
pub fn worth(code: &Code, client_id: &str, redirect_uri: &str, verifier: &str, now: Time) -> Worth {
    if code.used {
        return Worth::UsedBefore;
    }
    let fits = code.expires_at > now
        && code.request.client_id == client_id
        && code.request.redirect_uri == redirect_uri
        && (43..=128).contains(&verifier.len())
        && hashed(verifier.as_bytes()) == code.request.code_challenge;
    if fits { Worth::Tokens } else { Worth::Nothing }
}
