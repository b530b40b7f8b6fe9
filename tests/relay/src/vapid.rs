//! Checks VAPID credentials (RFC 8292): only the service that the phone subscribed for may push.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

/// The longest lifetime of a token, in seconds: 24 hours (RFC 8292 section 2).
const LONGEST_LIFE: u64 = 24 * 60 * 60;
/// Allowed difference between the clocks of the service and the relay, in seconds.
const SKEW: u64 = 60;

/// Why a push is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VapidError {
    /// The header contains no `vapid` credentials, or malformed ones.
    #[error("no VAPID credentials")]
    Missing,
    /// One of these: the key is not the subscription's; the signature is invalid; the token is for another web origin;
    /// the token has expired; the token is valid for more than 24 hours.
    #[error("VAPID credentials refused")]
    Refused,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    exp: u64,
}

/// Checks an `Authorization` header: `vapid t=<JWT>, k=<public key>`.
///
/// `expected_key` is the subscription's key (base64url), `origin` the relay's web origin, `now` seconds since 1970.
///
/// # Errors
/// `Missing` when the header contains no well-formed credentials, and `Refused` when they do not allow this push.
pub fn check(header: &str, expected_key: &str, origin: &str, now: u64) -> Result<(), VapidError> {
    let parameters = header.strip_prefix("vapid ").ok_or(VapidError::Missing)?;
    let find = |name: &str| {
        let mut named = parameters.split(',').filter_map(|one| one.trim().strip_prefix(name));
        named.next().filter(|_only| named.next().is_none())
    };
    let (Some(token), Some(key)) = (find("t="), find("k=")) else {
        return Err(VapidError::Missing);
    };
    if key != expected_key {
        return Err(VapidError::Refused);
    }
    let claims = verify(token, key).ok_or(VapidError::Refused)?;
    let in_time = claims.exp.saturating_add(SKEW) > now && claims.exp <= now.saturating_add(LONGEST_LIFE + SKEW);
    if claims.aud == origin && in_time { Ok(()) } else { Err(VapidError::Refused) }
}

fn verify(token: &str, key: &str) -> Option<Claims> {
    let point = URL_SAFE_NO_PAD.decode(key).ok()?;
    p256::PublicKey::from_sec1_bytes(&point).ok()?;
    let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
    let key = DecodingKey::from_ec_components(&URL_SAFE_NO_PAD.encode(x), &URL_SAFE_NO_PAD.encode(y)).ok()?;
    let mut validation = Validation::new(Algorithm::ES256);
    // `check` compares these claims with the relay's own clock and web origin.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Claims>(token, &key, &validation).ok().map(|decoded| decoded.claims)
}
