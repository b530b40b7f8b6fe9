//! The rules of authorization requests and authorization codes, as pure functions.

use std::collections::HashMap;

use crate::clock::Time;
use crate::config::Client;
use crate::openid::request::{AuthorizationRequest, Code};
use crate::secrets::{decode, hashed};

/// An error in an authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The client or the return address can't be trusted. The service shows this text, and does not redirect.
    Untrusted(&'static str),
    /// The service sends this error to the client by redirect (RFC 6749 section 4.1.2.1).
    Redirected {
        /// The return address.
        redirect_uri: String,
        /// The client's `state`.
        state: Option<String>,
        /// The value of the parameter `error`.
        error: &'static str,
    },
}

/// Parses an authorization request.
pub fn read(parameters: &HashMap<String, String>, clients: &[Client]) -> Result<AuthorizationRequest, Fault> {
    let get = |name: &str| parameters.get(name).cloned();
    let client_id = get("client_id").ok_or(Fault::Untrusted("The link names no application."))?;
    let client = clients
        .iter()
        .find(|client| client.id == client_id)
        .ok_or(Fault::Untrusted("The application in the link is not registered here."))?;
    let redirect_uri = get("redirect_uri").ok_or(Fault::Untrusted("The link has no return address."))?;
    // GUARD(return-address-exact): no_redirect_to_an_unregistered_uri
    // INSTEAD: if !client.redirect_uris.iter().any(|known| redirect_uri.starts_with(known.as_str())) {
    if !client.redirect_uris.contains(&redirect_uri) {
        return Err(Fault::Untrusted("The return address in the link does not belong to the application."));
    }
    let redirected = |error| Fault::Redirected { redirect_uri: redirect_uri.clone(), state: get("state"), error };
    if get("response_type").as_deref() != Some("code") {
        return Err(redirected("unsupported_response_type"));
    }
    if !get("scope").is_some_and(|scope| scope.split(' ').any(|one| one == "openid")) {
        return Err(redirected("invalid_scope"));
    }
    if get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(redirected("invalid_request"));
    }
    if get("request").is_some() || get("request_uri").is_some() {
        return Err(redirected("request_not_supported"));
    }
    let challenge = get("code_challenge").filter(|challenge| decode(challenge).is_some_and(|hash| hash.len() == 32));
    let (Some(code_challenge), Some("S256")) = (challenge, get("code_challenge_method").as_deref()) else {
        return Err(redirected("invalid_request"));
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

/// Whether a session suffices for an authorization request (OpenID Connect Core section 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The session suffices.
    Any,
    /// A new sign-in is needed, but the application allows no page (`prompt=none`).
    Impossible,
    /// The person must sign in now.
    SignInNow,
}

/// Decides from the parameters `prompt` and `max_age` whether a session suffices. `authenticated_at`: when the person
/// signed in to the session, or `None` if there is no session. A `max_age` that is not a number requires a new sign-in.
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

/// Returns whether the request has `prompt=login` or a `max_age`. If a request with one of these parameters requires a
/// sign-in, the person must sign in for this request. A session that starts in a different tab does not suffice.
#[must_use]
pub fn wants_sign_in(parameters: &HashMap<String, String>) -> bool {
    wants(parameters, "login") || parameters.contains_key("max_age")
}

fn wants(parameters: &HashMap<String, String>, wanted: &str) -> bool {
    parameters.get("prompt").is_some_and(|all| all.split(' ').any(|one| one == wanted))
}

/// The decision about a client's authorization code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// The client gets tokens.
    Tokens,
    /// The client gets nothing, because the authorization code was used before. The caller ends the session for which
    /// the authorization code was issued, and the session's access tokens.
    UsedBefore,
    /// The client gets nothing, because the authorization code has expired or does not match the client's request.
    Nothing,
}

/// Decides what a client gets for an authorization code.
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
