//! Signed requests of phones: the envelope all of them share, and what concerns the device itself.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::records::{self as devices, Cause, Device};
use crate::enrollment::acts::abandoned;
use crate::jose::Unverified;
use crate::limits::Peer;
use crate::people::Person;
use crate::problem::Problem;
use crate::prompts::acts::first_time;
use crate::prompts::records::Told;
use crate::secrets::decode;
use crate::store::StoreError;

const REQUEST_TYP: &str = "phone-request+jwt";
const STATE_TYP: &str = "phone-state+jwt";
const MAX_LIFE: Time = 120;
const MAX_SKEW: u64 = 60;

/// A request whose signature was found right.
pub struct Request<M> {
    /// Who sent it.
    pub device: Device,
    /// Its own id.
    pub jti: String,
    /// Whether its time fits.
    pub in_time: bool,
    /// What it asks for.
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

/// Verifies a request for an endpoint; every fault is one and the same refusal.
pub async fn verified<M>(app: &App, endpoint: &str, body: &[u8]) -> Result<Request<M>, Problem>
where
    M: serde::de::DeserializeOwned,
{
    let jws = std::str::from_utf8(body).map_err(|_not_ascii| Problem::RequestRefused)?;
    let unverified = Unverified::by_kid(jws, REQUEST_TYP).map_err(|_refused| Problem::RequestRefused)?;
    let id = unverified.kid().to_owned();
    let device = app.store.run(move |tx| tx.get::<Device>(&id)).await?.ok_or(Problem::RequestRefused)?;
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

/// A signed state; what is not set is not said.
#[derive(Serialize)]
pub struct StateClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: Time,
    request: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompts: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeClaims>,
}

/// What came of an answer or a report.
#[derive(Serialize)]
pub struct OutcomeClaims {
    /// The prompt.
    pub prompt: String,
    /// What its phone is told.
    pub result: Told,
}

/// The status of a device.
#[must_use]
pub fn status(device: &Device) -> (&'static str, Option<Cause>) {
    match device.state {
        devices::State::Pending => ("pending", None),
        devices::State::Active => ("ok", None),
        devices::State::Removed(cause) => ("removed", Some(cause)),
    }
}

/// Signs the answer to a request.
pub fn state<M>(
    app: &App,
    request: &Request<M>,
    device: &Device,
    prompts: Option<Vec<String>>,
    outcome: Option<OutcomeClaims>,
) -> Result<Response, Problem> {
    let (status, cause) = status(device);
    let (status, cause) = if request.in_time { (status, cause) } else { ("clock_skew", None) };
    let claims = StateClaims {
        iss: &app.config.issuer,
        aud: &device.id,
        iat: app.clock.now(),
        request: &request.jti,
        status,
        cause,
        prompts,
        outcome,
    };
    let jws = app.keys.phone().sign(STATE_TYP, &claims).map_err(|_library| Problem::Unavailable)?;
    Ok(([(header::CONTENT_TYPE, "application/jose")], jws).into_response())
}

#[derive(Clone, Copy, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
enum Message {
    Unblock,
    Abandon,
    Unenroll,
}

/// `POST /phone/device`: `unblock`, `abandon`, `unenroll`.
pub async fn device(State(app): State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    app.limits.phone(&peer)?;
    let request: Request<Message> = verified(&app, "device", &body).await?;
    if !request.in_time {
        return state(&app, &request, &request.device, None, None);
    }
    let (id, jti, message, now) = (request.device.id.clone(), request.jti.clone(), request.message, app.clock.now());
    let device = app
        .store
        .run(move |tx| {
            let Some(mut device) = tx.get::<Device>(&id)? else {
                return Err(StoreError::Stopped);
            };
            if first_time(tx, &device, &jti, now)? {
                match message {
                    Message::Unblock if device.is_active() => {
                        if let Some(mut person) = tx.get::<Person>(&device.account_id)? {
                            person.unblocked_at = now;
                            tx.put(&person)?;
                            audit::record(tx, &device.account_id, "unblocked", &device.id, now)?;
                        }
                    }
                    Message::Unblock => {}
                    Message::Abandon => abandoned(tx, &device, now)?,
                    Message::Unenroll if device.state == devices::State::Pending => abandoned(tx, &device, now)?,
                    Message::Unenroll => devices::remove(tx, &mut device, Cause::RemovedByPhone, now)?,
                }
            }
            tx.get::<Device>(&device.id)?.ok_or(StoreError::Stopped)
        })
        .await?;
    state(&app, &request, &device, None, None)
}

/// `GET /phone/keys`: the chain from the first document on.
pub async fn keys(State(app): State<App>, peer: Peer) -> Result<Response, Problem> {
    app.limits.phone(&peer)?;
    Ok(axum::Json(serde_json::json!({ "chain": app.keys.chain() })).into_response())
}
