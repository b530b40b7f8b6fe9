//! The HTTP handlers for look-up, and for bind by a code or by a token.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::app::App;
use crate::devices::device::{Claimed, Subscription, is_endpoint};
use crate::enrollment::acts::{self, BindRequest, LookUp, MacResponse};
use crate::enrollment::by_sign_in::{self, AddRequest, NotAdded};
use crate::enrollment::rules::Refusal;
use crate::features::Named;
use crate::jose::{Unverified, check_unique};
use crate::limits;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::secrets::decode;
use crate::texts::is_shown;
use crate::verdict::Verdict;

const ENROLLMENT_TYP: &str = "phone-enrollment+jwt";
const MAX_LIFE: i64 = 120;
const MAX_SKEW: i64 = 60;

/// `POST /phone/look-up`.
pub async fn look_up(State(app): State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    limits::phone(&app, &peer).await?;
    check_unique(&body).map_err(|_malformed| Problem::RequestRefused)?;
    let request: LookUp = serde_json::from_slice(&body).map_err(|_malformed| Problem::RequestRefused)?;
    if request.v != 1 {
        return Err(Problem::UnsupportedVersion);
    }
    mac_response(acts::look_up(&app, request).await?)
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iat: i64,
    exp: i64,
    jti: String,
    v: u64,
    #[serde(flatten)]
    proof: Proof,
    device: Claimed,
    push: Subscription,
    attestation: Attestation,
    #[serde(default)]
    features: Named,
}

/// The proof in a bind: either a token, or the id in a code together with a MAC. A message with both kinds of proof is
/// refused.
#[derive(Deserialize)]
struct Proof {
    enrollment: Option<String>,
    mac: Option<String>,
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "format", rename_all = "snake_case", deny_unknown_fields)]
enum Attestation {
    None,
}

/// `POST /phone/enrollment`.
pub async fn bind(State(app): State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    limits::phone(&app, &peer).await?;
    let jws = std::str::from_utf8(&body).map_err(|_not_ascii| Problem::RequestRefused)?;
    let (key, claims) = Unverified::by_jwk(jws, ENROLLMENT_TYP)
        .and_then(|jws| jws.verify_own::<Claims>())
        .map_err(|_refused| Problem::RequestRefused)?;
    if claims.v != 1 {
        return Err(Problem::UnsupportedVersion);
    }
    let Attestation::None = claims.attestation;
    let push_key = checked(&app, &claims).ok_or(Problem::RequestRefused)?;
    let features = claims.features.into_names();
    match claims.proof {
        Proof { enrollment: Some(id), mac: Some(mac), token: None } => {
            let request = BindRequest {
                id,
                jti: push_key.jti,
                mac: decode(&mac).ok_or(Problem::RequestRefused)?,
                key,
                claimed: claims.device,
                push: claims.push,
                push_point: push_key.point,
                push_auth: push_key.auth,
                features,
                network: peer.network(),
            };
            mac_response(acts::bind(&app, request).await?)
        }
        Proof { enrollment: None, mac: None, token: Some(token) } => {
            let (claimed, push, network) = (claims.device, claims.push, peer.network());
            let request = AddRequest { token, key, claimed, push, features, network };
            match by_sign_in::add(&app, request).await? {
                Verdict::Granted(added) => Ok(Json(added).into_response()),
                Verdict::Refused(NotAdded::Unknown) => Err(Problem::EnrollmentUnknown),
                Verdict::Refused(NotAdded::NotAllowed) => Err(Problem::EnrollmentCancelled),
            }
        }
        Proof { .. } => Err(Problem::RequestRefused),
    }
}

/// The decoded members of a valid bind message.
struct Checked {
    jti: Vec<u8>,
    point: Vec<u8>,
    auth: Vec<u8>,
}

fn checked(app: &App, claims: &Claims) -> Option<Checked> {
    let now = app.clock.now();
    let in_time = claims.iat <= now.saturating_add(MAX_SKEW)
        && claims.exp > now
        && (0..=MAX_LIFE).contains(&claims.exp.saturating_sub(claims.iat));
    let for_us = claims.aud == app.config.endpoint("enrollment");
    let device = &claims.device;
    let texts = [&device.name, &device.model, &device.os, &device.app_version];
    let shown = texts.iter().all(|text| is_shown(text));
    let push_point = decode(&claims.push.p256dh)?;
    p256::PublicKey::from_sec1_bytes(&push_point).ok()?;
    let push_auth = decode(&claims.push.auth).filter(|auth| auth.len() == 16)?;
    let endpoint_fits = is_endpoint(&claims.push.endpoint);
    (in_time && for_us && shown && endpoint_fits && push_point.len() == 65).then_some(())?;
    let jti = decode(&claims.jti).filter(|jti| jti.len() == 16)?;
    Some(Checked { jti, point: push_point, auth: push_auth })
}

fn mac_response(answer: Verdict<MacResponse, Refusal>) -> Result<Response, Problem> {
    match answer {
        Verdict::Granted(MacResponse { body, mac }) => {
            let headers = [(header::CONTENT_TYPE, "application/json".to_owned())];
            Ok((headers, [("countersign-mac", mac)], body).into_response())
        }
        Verdict::Refused(refusal) => Err(problem(refusal)),
    }
}

fn problem(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unknown => Problem::EnrollmentUnknown,
        Refusal::Expired => Problem::EnrollmentExpired,
        Refusal::Used => Problem::EnrollmentUsed,
        Refusal::Cancelled => Problem::EnrollmentCancelled,
        Refusal::TooManyLookUps => Problem::TooManyLookUps,
    }
}
