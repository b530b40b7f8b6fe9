//! Signed requests of phones: the envelope all of them share, and what concerns the device itself.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit;
use crate::clock::Time;
use crate::devices::push_test::{self, PushTest};
use crate::devices::records::{self as devices, Cause, Device};
use crate::devices::standing::{Standing, Status, may_answer};
use crate::enrollment::acts::abandoned;
use crate::enrollment::routes::is_endpoint;
use crate::jose::Unverified;
use crate::keys;
use crate::limits::{self, Peer};
use crate::notices;
use crate::people::Person;
use crate::phone_sign_in::acts as phone_sign_in;
use crate::phone_sign_in::rules::TurnedOn;
use crate::problem::Problem;
use crate::prompts::acts::first_time;
use crate::prompts::records::Told;
use crate::push::Push;
use crate::secrets::decode;
use crate::store::{StoreError, Tx};

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

/// A signed state.
#[derive(Serialize)]
pub struct StateClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: Time,
    request: &'a str,
    /// So that a phone learns of new keys before they sign.
    keys_seq: usize,
    #[serde(flatten)]
    standing: &'a Standing,
    #[serde(flatten)]
    news: News,
}

/// What an answer says beside where the device stands; what is not set is not said.
#[derive(Default, Serialize)]
pub struct News {
    /// The live prompts, as they were signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Vec<String>>,
    /// What came of an answer or a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeClaims>,
    /// What came of turning phone sign-in on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_on: Option<TurnedOn>,
    /// What came of asking for a test push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_test: Option<PushTest>,
}

/// What came of an answer or a report.
#[derive(Serialize)]
pub struct OutcomeClaims {
    /// The prompt.
    pub prompt: String,
    /// What its phone is told.
    pub result: Told,
}

/// Signs the answer to a request.
pub fn state<M>(app: &App, request: &Request<M>, standing: &Standing, news: News) -> Result<Response, Problem> {
    let now = app.clock.now();
    let claims = StateClaims {
        iss: &app.config.issuer,
        aud: &request.device.id,
        iat: now,
        request: &request.jti,
        keys_seq: app.keys.newest_document(),
        standing,
        news,
    };
    let jws = app.keys.phone(now).sign(STATE_TYP, &claims).map_err(|_library| Problem::Unavailable)?;
    Ok(([(header::CONTENT_TYPE, "application/jose")], jws).into_response())
}

/// Signs the answer to a request whose time was wrong: nothing was done.
pub fn skewed<M>(app: &App, request: &Request<M>) -> Result<Response, Problem> {
    state(app, request, &Standing::clock_skew(), News::default())
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
        return skewed(&app, &request);
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
    state(&app, &request, &standing, news)
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
