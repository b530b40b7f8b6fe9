//! The two unsigned-by-the-service exchanges of enrollment: look-up and bind. Both answers are believed
//! only for their MAC.

use crate::authenticator::error::{EnrollmentFault, Error};
use crate::authenticator::network::http::{Body, Http, Reply};
use crate::base::jose::{base64url, parse};
use crate::base::secret::random;
use crate::protocol::code::Invite;
use crate::protocol::messages::{AddedAnswer, BindAnswer, LookUpAnswer, LookUpRequest, ProblemName};
use crate::protocol::proofs::EnrollmentKey;

/// Asks what an invitation leads to; binds nothing (protocol section 3.1).
///
/// # Errors
/// `Impostor` when the answer was not made by the service that made the code.
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

/// Believes a look-up answer for its MAC, and for nothing else.
pub(crate) fn read_look_up(
    reply: &Reply,
    issuer: &str,
    nonce: &[u8; 16],
    key: &EnrollmentKey,
) -> Result<LookUpAnswer, Error> {
    refuse_problem(reply)?;
    let mac = mac_of(reply)?;
    // GUARD(look-up-answer-mac): j2_w15_a_look_up_answer_counts_only_with_its_proof
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

/// Sends a signed `phone-enrollment+jwt` (protocol section 3.2).
///
/// # Errors
/// `Impostor` when the answer was not made by the service that made the code.
pub(crate) async fn bind(
    http: &Http,
    endpoint: &str,
    jws: String,
    jti: &[u8; 16],
    key: &EnrollmentKey,
) -> Result<BindAnswer, Error> {
    read_bind(&http.post(endpoint, Body::Jose(jws)).await?, jti, key)
}

/// Believes a bind answer for its MAC, and for nothing else.
pub(crate) fn read_bind(reply: &Reply, jti: &[u8; 16], key: &EnrollmentKey) -> Result<BindAnswer, Error> {
    refuse_problem(reply)?;
    let mac = mac_of(reply)?;
    // GUARD(bind-answer-mac): j2_w15_an_interceptor_answers_no_bind_in_the_services_place
    // INSTEAD: if mac.is_empty() {
    if !key.check_bind_answer(jti, &reply.body, &mac) {
        return Err(Error::Impostor);
    }
    parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer)
}

/// Sends a signed `phone-enrollment+jwt` that carries a token (protocol section 11).
///
/// # Errors
/// `Enrollment` when the token is no longer good.
pub(crate) async fn add(http: &Http, endpoint: &str, jws: String) -> Result<AddedAnswer, Error> {
    read_added(&http.post(endpoint, Body::Jose(jws)).await?)
}

/// Reads what a phone that was added by signing in is told.
pub(crate) fn read_added(reply: &Reply) -> Result<AddedAnswer, Error> {
    refuse_problem(reply)?;
    parse(&reply.body).map_err(|_malformed| Error::InvalidAnswer)
}

fn mac_of(reply: &Reply) -> Result<Vec<u8>, Error> {
    let mac = reply.mac.as_deref().ok_or(Error::Impostor)?;
    base64url::decode(mac).map_err(|_malformed| Error::Impostor)
}

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
