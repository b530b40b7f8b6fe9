//! VAPID (RFC 8292): a push counts only from the service that the phone subscribed for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

/// RFC 8292 section 2: no token lives longer than a day.
const LONGEST_LIFE: u64 = 24 * 60 * 60;
/// Slack between two clocks, in seconds.
const SKEW: u64 = 60;

/// Why a push is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VapidError {
    /// No `vapid` credentials, or not readable.
    #[error("no VAPID credentials")]
    Missing,
    /// Signed by another key than the subscription's, wrongly, for another origin, or at another time.
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
/// # Errors
/// `Missing`, `Refused`.
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
    // Checked above, against the relay's own clock and origin.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Claims>(token, &key, &validation).ok().map(|decoded| decoded.claims)
}
