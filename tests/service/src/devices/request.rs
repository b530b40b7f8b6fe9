//! Verifies phones' signed requests: the signature, and the members that all requests have (protocol section 4).

use serde::Deserialize;

use crate::app::App;
use crate::clock::Time;
use crate::devices::device::Device;
use crate::jose::Unverified;
use crate::problem::Problem;
use crate::secrets::decode;

const REQUEST_TYP: &str = "phone-request+jwt";
const MAX_LIFE: Time = 120;
const MAX_SKEW: u64 = 60;

/// A request with a valid signature.
pub struct Request<M> {
    /// The device that signed the request.
    pub device: Device,
    /// The request's id.
    pub jti: String,
    /// Whether `iat` differs from the service's time by at most 60 seconds, and `exp` is in the future.
    pub in_time: bool,
    /// The content.
    pub message: M,
}

#[derive(Deserialize)]
struct Claims<M> {
    aud: String,
    iat: Time,
    exp: Time,
    jti: String,
    #[serde(flatten)]
    message: M,
}

/// Verifies a request that a phone sent to the endpoint with the name `endpoint`. For a request with a wrong time, sets
/// `in_time` to false, so that the caller can respond with the status `clock_skew`.
///
/// # Errors
/// `request-refused` if the request is malformed, if the device is unknown, or if the signature, `aud`, `jti` or the
/// lifetime is wrong. The problem document does not show which of these is the reason.
///
/// `unavailable` if the database failed.
pub async fn verified<M>(app: &App, endpoint: &str, body: &[u8]) -> Result<Request<M>, Problem>
where
    M: serde::de::DeserializeOwned,
{
    let jws = std::str::from_utf8(body).map_err(|_not_ascii| Problem::RequestRefused)?;
    let unverified = Unverified::by_kid(jws, REQUEST_TYP).map_err(|_refused| Problem::RequestRefused)?;
    let id = unverified.kid().to_owned();
    let device = app.store.global(move |tx| tx.get::<Device>(&id)).await?.ok_or(Problem::RequestRefused)?;
    let claims: Claims<M> = unverified.verify(&device.key).map_err(|_refused| Problem::RequestRefused)?;
    let life = claims.exp.saturating_sub(claims.iat);
    let jti_fits = decode(&claims.jti).is_some_and(|jti| jti.len() == 16);
    if claims.aud != app.config.endpoint(endpoint) || !(0..=MAX_LIFE).contains(&life) || !jti_fits {
        return Err(Problem::RequestRefused);
    }
    let now = app.clock.now();
    let in_time = claims.iat.abs_diff(now) <= MAX_SKEW && claims.exp > now;
    Ok(Request { device, jti: claims.jti, in_time, message: claims.message })
}
