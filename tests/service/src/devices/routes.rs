//! Signed requests of phones: the envelope all of them share, and what concerns the device itself.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::push_test;
use crate::devices::records::{self as devices, Cause, Device};
use crate::devices::standing::{Standing, Status, may_answer};
use crate::devices::state::{News, skewed, state};
use crate::enrollment::acts::abandoned;
use crate::enrollment::routes::is_endpoint;
use crate::jose::Unverified;
use crate::keys;
use crate::limits::{self, Peer};
use crate::notices;
use crate::people::Person;
use crate::phone_sign_in::acts as phone_sign_in;
use crate::problem::Problem;
use crate::prompts::acts::first_time;
use crate::push::Push;
use crate::secrets::decode;
use crate::store::{StoreError, Tx};

const REQUEST_TYP: &str = "phone-request+jwt";
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

#[derive(Clone, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
enum Message {
    Unblock,
    Abandon,
    Unenroll,
    TurnOn { token: String, proof: String },
    TurnOff { sign_in_key: String },
    PushAddress { endpoint: String },
    TestPush,
    Ack { notices: Vec<String> },
}

/// `POST /phone/device`: what concerns the device itself.
pub async fn device(State(app): State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    limits::phone(&app, &peer).await?;
    let request: Request<Message> = verified(&app, "device", &body).await?;
    if !request.in_time {
        return skewed(&app, &request.device, &request.jti);
    }
    let (id, jti, message, now) =
        (request.device.id.clone(), request.jti.clone(), request.message.clone(), app.clock.now());
    let shared = app.clone();
    let (standing, (news, push)) = app
        .store
        .run(move |tx| {
            // Read again inside the transaction: it may have been removed since the signature was checked.
            let device = tx.get::<Device>(&id)?.ok_or(StoreError::Stopped)?;
            let done = match first_time(tx, &device, &jti, now)? {
                true => act(tx, &shared, device, message, &jti, now)?,
                false => (News::default(), None),
            };
            let device = tx.get::<Device>(&id)?.ok_or(StoreError::Stopped)?;
            Ok((Standing::of(tx, &device)?, done))
        })
        .await?;
    app.push.send_all(&app, push.into_iter().collect());
    state(&app, &request.device, &request.jti, standing, news)
}

fn act(
    tx: &mut Tx<'_>,
    app: &App,
    mut device: Device,
    message: Message,
    jti: &str,
    now: Time,
) -> Result<(News, Option<Push>), StoreError> {
    let mut news = News::default();
    match message {
        Message::Abandon => abandoned(tx, &device, now)?,
        Message::Unenroll if device.state == devices::State::Pending => abandoned(tx, &device, now)?,
        Message::Unenroll => devices::remove(tx, &mut device, Cause::RemovedByPhone, now)?,
        // A tombstone and a pending device have nothing of what follows.
        Message::Unblock
        | Message::TurnOn { .. }
        | Message::TurnOff { .. }
        | Message::PushAddress { .. }
        | Message::TestPush
        | Message::Ack { .. }
            if !device.is_active() => {}
        Message::Unblock => unblock(tx, &device, now)?,
        Message::TurnOn { token, proof } => {
            news.turn_on = Some(phone_sign_in::turn_on(tx, app, &mut device, &token, &proof, now)?);
        }
        Message::TurnOff { sign_in_key } => {
            phone_sign_in::turn_off(tx, &mut device, &sign_in_key, now)?;
        }
        Message::PushAddress { endpoint } => {
            if let Some(push) = device.push.as_mut().filter(|_push| is_endpoint(&endpoint)) {
                push.endpoint = endpoint;
                device.push_ended = false;
                tx.put(&device)?;
            }
        }
        // A suspended person's phone rests, and so does its test.
        Message::TestPush if may_answer(tx, &device.account_id)? != Status::Ok => {}
        Message::TestPush => {
            let (test, push) = push_test::ask(tx, app, device, jti, now)?;
            news.push_test = Some(test);
            return Ok((news, push));
        }
        Message::Ack { notices: shown } => notices::acknowledge(tx, &device.id, &shown)?,
    }
    Ok((news, None))
}

fn unblock(tx: &mut Tx<'_>, device: &Device, now: Time) -> Result<(), StoreError> {
    let Some(mut person) = tx.get::<Person>(&device.account_id)? else {
        return Ok(());
    };
    person.unblocked_at = now;
    tx.put(&person)?;
    audit::record(tx, &device.account_id, "unblocked", &device.id, now)
}

/// `GET /phone/keys`: the chain from the first document on.
pub async fn key_chain(State(app): State<App>, peer: Peer) -> Result<Response, Problem> {
    limits::phone(&app, &peer).await?;
    // Read from the database: another process may have added a document since this one looked.
    let chain = app.store.run(keys::chain).await?;
    Ok(axum::Json(serde_json::json!({ "chain": chain })).into_response())
}
