//! Sends the three requests of enrollment: look-up, bind, and (in an enrollment by signing in) adding the phone with a
//! token. The service does not sign the responses to these requests.
//!
//! The responses to look-up and bind are accepted only with a MAC under the enrollment key. The response to adding with
//! a token is authenticated only by TLS.

use crate::authenticator::error::{EnrollmentFault, Error};
use crate::authenticator::network::http::{Body, Http, Reply};
use crate::base::jose::{base64url, parse};
use crate::base::secret::random;
use crate::protocol::code::Invite;
use crate::protocol::messages::{AddedAnswer, BindAnswer, LookUpAnswer, LookUpRequest};
use crate::protocol::problem::ProblemName;
use crate::protocol::proofs::EnrollmentKey;

/// Looks an invite up at its service; binds nothing (protocol section 3.1).
///
/// # Errors
/// `Offline`, `Untrusted`; else as `read_look_up`.
pub(crate) async fn look_up(
    http: &Http,
    endpoint: &str,
    invite: &Invite,
    key: &EnrollmentKey,
) -> Result<LookUpAnswer, Error> {
    let issuer = invite.issuer().as_str();
    let nonce: [u8; 16] = random()?;
    let request = LookUpRequest {
        v: 1,
        id: invite.id().to_owned(),
        nonce: base64url::encode(&nonce),
        mac: base64url::encode(&key.look_up_mac(issuer, invite.id(), &nonce)),
    };
    let body = serde_json::to_vec(&request).map_err(|_never| Error::InvalidAnswer)?;
    let reply = http.post(endpoint, Body::Json(body)).await?;
    read_look_up(&reply, issuer, &nonce, key)
}

/// Verifies the MAC of a look-up response, and parses the response.
///
/// # Errors
/// `Impostor` when the MAC is missing or wrong; `InvalidAnswer` when the response can't be parsed or names another
/// issuer; as `refuse_problem` for any HTTP status but 200.
///
/// # Security
/// Without the MAC, an interceptor with a trusted certificate could replace the service's keys. The MAC covers the
/// request's nonce, so an older response can't be replayed.
pub(crate) fn read_look_up(
    reply: &Reply,
    issuer: &str,
    nonce: &[u8; 16],
    key: &EnrollmentKey,
) -> Result<LookUpAnswer, Error> {
    refuse_problem(reply)?;
    let mac = mac_of(reply)?;
    // GUARD(look-up-answer-mac): j2_w15_a_false_look_up_response_is_refused
    // INSTEAD: if mac.is_empty() {
    if !key.check_look_up_answer(nonce, &reply.body, &mac) {
        return Err(Error::Impostor);
    }
    let answer: LookUpAnswer = parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer)?;
    if answer.issuer != issuer {
        return Err(Error::InvalidAnswer);
    }
    Ok(answer)
}

/// Sends a signed `phone-enrollment+jwt` (protocol section 3.2). `jti` must be the `jti` of this JWS. A second bind
/// with the same device key has no further effect.
///
/// # Errors
/// `Offline`, `Untrusted`; else as `read_bind`.
pub(crate) async fn bind(
    http: &Http,
    endpoint: &str,
    jws: String,
    jti: &[u8; 16],
    key: &EnrollmentKey,
) -> Result<BindAnswer, Error> {
    read_bind(&http.post(endpoint, Body::Jose(jws)).await?, jti, key)
}

/// Verifies the MAC of a bind response, which covers the request's `jti`, and parses the response.
///
/// # Errors
/// `Impostor` when the MAC is missing or wrong; `InvalidAnswer` when the response can't be parsed; as `refuse_problem`.
pub(crate) fn read_bind(reply: &Reply, jti: &[u8; 16], key: &EnrollmentKey) -> Result<BindAnswer, Error> {
    refuse_problem(reply)?;
    let mac = mac_of(reply)?;
    // GUARD(bind-answer-mac): j2_w15_an_interceptor_cannot_forge_the_bind_response
    // INSTEAD: if mac.is_empty() {
    if !key.check_bind_answer(jti, &reply.body, &mac) {
        return Err(Error::Impostor);
    }
    parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer)
}

/// Sends a signed `phone-enrollment+jwt` that contains a token (protocol section 11, step 5).
///
/// # Errors
/// `Offline`, `Untrusted`; else as `read_added`.
pub(crate) async fn add(http: &Http, endpoint: &str, jws: String) -> Result<AddedAnswer, Error> {
    read_added(&http.post(endpoint, Body::Jose(jws)).await?)
}

/// Parses the response to adding with a token. The response has no MAC: only TLS authenticates it.
///
/// # Errors
/// `InvalidAnswer` when the response can't be parsed; `Enrollment` when the service does not accept the token; others
/// as `refuse_problem`.
pub(crate) fn read_added(reply: &Reply) -> Result<AddedAnswer, Error> {
    refuse_problem(reply)?;
    parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer)
}

/// Returns the decoded header `Countersign-Mac`; `Impostor` when it is missing or malformed.
fn mac_of(reply: &Reply) -> Result<Vec<u8>, Error> {
    let mac = reply.mac.as_deref().ok_or(Error::Impostor)?;
    base64url::decode(mac).map_err(|_malformed| Error::Impostor)
}

/// Returns an error for any HTTP status but 200: `Busy`, `Enrollment`, `UnsupportedVersion`, `Refused`,
/// `InvalidAnswer`. A problem document is not authenticated, so this phone lets it only end or delay the enrollment.
fn refuse_problem(reply: &Reply) -> Result<(), Error> {
    match reply.status {
        200 => return Ok(()),
        429 if ProblemName::read(&reply.body) == ProblemName::TooManyLookUps => {}
        429 | 500.. => return Err(Error::Busy),
        _ => {}
    }
    Err(match ProblemName::read(&reply.body) {
        ProblemName::EnrollmentUnknown => Error::Enrollment(EnrollmentFault::Unknown),
        ProblemName::EnrollmentExpired => Error::Enrollment(EnrollmentFault::Expired),
        ProblemName::EnrollmentUsed => Error::Enrollment(EnrollmentFault::Used),
        ProblemName::EnrollmentCancelled => Error::Enrollment(EnrollmentFault::Cancelled),
        ProblemName::TooManyLookUps => Error::Enrollment(EnrollmentFault::TooManyLookUps),
        ProblemName::UnsupportedVersion => Error::UnsupportedVersion,
        ProblemName::RequestRefused => Error::Refused,
        ProblemName::Other => Error::InvalidAnswer,
    })
}
