//! One signed request and its signed answer (protocol sections 4 and 5).
//!
//! Every request is fresh (`jti`, `iat`), every answer is bound to it. What an answer means for the
//! account is decided by the caller; an unsigned problem is only ever an error.

use serde::{Deserialize, Serialize};

use crate::authenticator::error::Error;
use crate::authenticator::network::http::{Body, Failure, Reply};
use crate::authenticator::records::speaker::Speaker;
use crate::authenticator::speaking::clock_offset::{learn_clock, offset_between};
use crate::authenticator::speaking::connection::Connection;
use crate::authenticator::speaking::service_keys::{follow_ahead, refresh_keys};
use crate::base::jose;
use crate::base::jose::{HeaderKey, base64url};
use crate::base::secret::random;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::messages::{Message, ProblemName, State, StateStatus};
use crate::values::issuer::Issuer;
use crate::values::platform::PlatformError;

const REQUEST_TYP: &str = "phone-request+jwt";
const STATE_TYP: &str = "phone-state+jwt";
/// `exp` − `iat` of a request, the most the protocol allows.
const REQUEST_LIFE: u64 = 120;

/// Payload of `phone-request+jwt` (section 4).
#[derive(Serialize, Deserialize)]
pub(crate) struct Claims {
    aud: String,
    iat: u64,
    exp: u64,
    jti: String,
    #[serde(flatten)]
    message: Message,
}

/// Whom a state must come from, and for whom it must be.
#[derive(Clone, Copy)]
pub(crate) struct Addressee<'a> {
    pub(crate) issuer: &'a Issuer,
    pub(crate) device_id: &'a str,
}

/// Verifies the answer to the very request `jti`.
///
/// # Errors
/// `InvalidAnswer` for anything else.
pub(crate) fn read_state(jws: &str, keys: &ServiceKeys, addressee: Addressee<'_>, jti: &str) -> Result<State, Error> {
    let state: State = jose::verify(jws, STATE_TYP, |kid| keys.find(kid)).map_err(|_refused| Error::InvalidAnswer)?;
    // GUARD(state-issuer): a_state_counts_only_when_it_is_signed_for_this_very_request
    // INSTEAD: if false
    if state.iss != addressee.issuer.as_str()
        // GUARD(state-device): a_state_counts_only_when_it_is_signed_for_this_very_request
        || state.aud != addressee.device_id
        // GUARD(state-request): a_state_counts_only_when_it_is_signed_for_this_very_request, j9_an_interceptor_removes_suspends_and_limits_nothing, j9_an_interceptor_turns_no_clock
        || state.request != jti
    {
        return Err(Error::InvalidAnswer);
    }
    Ok(state)
}

/// Sends `message` to `endpoint` and returns the verified state, asking again once when the clock was off.
///
/// # Errors
/// `Offline`, `Untrusted`, `Busy`: nothing is known of the effect, ask again. `Refused`, `InvalidAnswer`:
/// nothing was changed here. `ClockWrong`: the phone's clock is off by more than what is corrected by itself.
pub(crate) async fn exchange(
    to: Connection<'_>,
    speaker: &mut Speaker,
    endpoint: &str,
    message: &Message,
) -> Result<State, Error> {
    Ok(exchange_or_tell(to, speaker, endpoint, message).await?)
}

/// As `exchange`; a failure also tells whether the message may have arrived.
pub(crate) async fn exchange_or_tell(
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
    // The answer took too long to set a clock by; the next may not.
    if speaker.clock_offset == before {
        return Err(Failure::after(Error::Busy));
    }
    let state = send(to, speaker, endpoint, message).await?;
    if state.status == StateStatus::ClockSkew { Err(Failure::after(Error::Busy)) } else { Ok(state) }
}

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
    follow_ahead(to, speaker, &state).await;
    learn_clock(to, speaker, &state, &reply).await.map_err(Failure::after)?;
    Ok(state)
}

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
