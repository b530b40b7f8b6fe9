//! Sends one signed request and verifies the signed state in the response (protocol sections 4 and 5).
//!
//! Every request has a fresh `jti` and `iat`, and every state must name its request. The caller applies the state to
//! the account. An unsigned problem document only causes an error, and never changes the account.

use serde::{Deserialize, Serialize};

use crate::authenticator::error::Error;
use crate::authenticator::network::http::{Body, Failure, Reply};
use crate::authenticator::records::speaker::Speaker;
use crate::authenticator::speaking::clock_offset::{learn_clock, offset_between};
use crate::authenticator::speaking::connection::Connection;
use crate::authenticator::speaking::service_keys::{follow_keys_early, refresh_keys};
use crate::base::jose;
use crate::base::jose::{HeaderKey, base64url};
use crate::base::secret::random;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::messages::{Message, State, StateStatus};
use crate::protocol::problem::ProblemName;
use crate::values::issuer::Issuer;
use crate::values::platform::PlatformError;

const REQUEST_TYP: &str = "phone-request+jwt";
const STATE_TYP: &str = "phone-state+jwt";
/// `exp` − `iat` of a request, in seconds: the most that the protocol allows.
const REQUEST_LIFE: u64 = 120;

/// The payload of `phone-request+jwt` (section 4).
#[derive(Serialize, Deserialize)]
pub(crate) struct Claims {
    aud: String,
    iat: u64,
    exp: u64,
    jti: String,
    #[serde(flatten)]
    message: Message,
}

/// The issuer and the device that a signed state must name.
#[derive(Clone, Copy)]
pub(crate) struct Addressee<'a> {
    pub(crate) issuer: &'a Issuer,
    pub(crate) device_id: &'a str,
}

/// Verifies the signed state for the request `jti`: signature, issuer, device and request.
///
/// # Errors
/// `InvalidAnswer` when any of these is wrong.
///
/// # Security
/// Without the check of `request`, an interceptor could replay an old state, for example one with the status `removed`.
pub(crate) fn read_state(jws: &str, keys: &ServiceKeys, addressee: Addressee<'_>, jti: &str) -> Result<State, Error> {
    let state: State = jose::verify(jws, STATE_TYP, |kid| keys.find(kid)).map_err(|_refused| Error::InvalidAnswer)?;
    // GUARD(state-issuer): a_state_must_be_signed_for_this_device_and_request
    // INSTEAD: if false
    if state.iss != addressee.issuer.as_str()
        // GUARD(state-device): a_state_must_be_signed_for_this_device_and_request
        || state.aud != addressee.device_id
        // GUARD(state-request): a_state_must_be_signed_for_this_device_and_request, j9_forged_states_of_an_interceptor_are_refused, j9_an_interceptor_cannot_change_the_phones_clock
        || state.request != jti
    {
        return Err(Error::InvalidAnswer);
    }
    Ok(state)
}

/// Signs `message`, sends it to `endpoint`, and returns the verified state. If the service reports a wrong clock, sets
/// the clock offset and sends the message a second time.
///
/// Stores new service keys and a new clock offset; the caller stores all other effects of the state.
///
/// # Errors
/// `Offline`, `Untrusted`, `Busy`: send the message again; the service may already have acted on it. `Refused`,
/// `InvalidAnswer`: nothing was changed on this phone. `ClockWrong`: the clocks differ by more than a day. Other errors
/// are `IdentityChanged`, `Platform` and `Store`.
pub(crate) async fn exchange(
    to: Connection<'_>,
    speaker: &mut Speaker,
    endpoint: &str,
    message: &Message,
) -> Result<State, Error> {
    Ok(exchange_or_report(to, speaker, endpoint, message).await?)
}

/// As `exchange`; the error also says whether the message may have arrived at the service.
pub(crate) async fn exchange_or_report(
    to: Connection<'_>,
    speaker: &mut Speaker,
    endpoint: &str,
    message: &Message,
) -> Result<State, Failure> {
    let before = speaker.clock_offset;
    let state = send(to, speaker, endpoint, message).await?;
    if state.status != StateStatus::ClockSkew {
        return Ok(state);
    }
    if offset_between(to.ports.clock.now().0, state.iat).is_none() {
        return Err(Failure::after(Error::ClockWrong));
    }
    // The offset was not changed, because the round trip was too long. The next round trip may be shorter.
    if speaker.clock_offset == before {
        return Err(Failure::after(Error::Busy));
    }
    let state = send(to, speaker, endpoint, message).await?;
    if state.status == StateStatus::ClockSkew { Err(Failure::after(Error::Busy)) } else { Ok(state) }
}

/// Sends one request and verifies the signed state in the response.
async fn send(to: Connection<'_>, speaker: &mut Speaker, endpoint: &str, message: &Message) -> Result<State, Failure> {
    let unusable = |_none| Failure::before(Error::Platform(PlatformError::Unusable));
    let jti: [u8; 16] = random().map_err(unusable)?;
    let jti = base64url::encode(&jti);
    let iat = to.ports.clock.now().shifted(speaker.clock_offset).0;
    let exp = iat.saturating_add(REQUEST_LIFE);
    let claims = Claims { aud: endpoint.to_owned(), iat, exp, jti: jti.clone(), message: message.clone() };
    let signed = to.ports.sign_jws(&speaker.key_alias, REQUEST_TYP, HeaderKey::Kid(&speaker.device_id), &claims).await;
    let jws = signed.map_err(Failure::before)?;
    let wait = match message {
        Message::Fetch { wait, .. } => *wait,
        _ => 0,
    };
    let reply = to.http.post_waiting(endpoint, Body::Jose(jws), wait).await?;
    let state = verified_state(to, speaker, &reply, &jti).await.map_err(Failure::after)?;
    follow_keys_early(to, speaker, &state).await;
    learn_clock(to, speaker, &state, &reply).await.map_err(Failure::after)?;
    Ok(state)
}

/// Verifies the signed state in a response. When an unknown key signed the state, follows the service's key chain
/// first.
async fn verified_state(to: Connection<'_>, speaker: &mut Speaker, reply: &Reply, jti: &str) -> Result<State, Error> {
    match reply.status {
        200 => {}
        429 | 500.. => return Err(Error::Busy),
        _ if ProblemName::read(&reply.body) == ProblemName::RequestRefused => return Err(Error::Refused),
        _ => return Err(Error::InvalidAnswer),
    }
    let jws = std::str::from_utf8(&reply.body).map_err(|_not_ascii| Error::InvalidAnswer)?;
    if let Some(kid) = jose::unverified_kid(jws)
        && speaker.service_keys.find(&kid).is_none()
    {
        refresh_keys(to, speaker).await?;
    }
    let addressee = Addressee { issuer: &speaker.issuer, device_id: &speaker.device_id };
    read_state(jws, &speaker.service_keys, addressee, jti)
}
