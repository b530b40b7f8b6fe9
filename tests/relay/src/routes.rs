//! Handles the HTTP requests: subscribe, push, stream (protocol section 8).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

use crate::endpoint::{EndpointError, LIFE, Sealer, Subscription};
use crate::faults::Faults;
use crate::limits::Limits;
use crate::peer::Peer;
use crate::queue::{Message, Queues, Urgency};
use crate::vapid::{self, VapidError};

/// Maximum size of a message, in bytes: the size that a push service must accept (RFC 8030 section 7.2).
const MAX_MESSAGE: usize = 4_096;
const MAX_TTL: u64 = 300;
/// Maximum length of a topic, in characters (RFC 8030 section 5.4).
const MAX_TOPIC: usize = 32;
/// A phone that gets no line for 15 seconds opens a new stream.
const HEARTBEAT: Duration = Duration::from_secs(10);

pub(crate) struct Shared {
    pub(crate) origin: String,
    pub(crate) sealer: Sealer,
    pub(crate) queues: Queues,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
}

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/subscriptions", post(subscribe))
        .route("/push/{endpoint}", post(push))
        .route("/stream", get(listen))
        .layer(DefaultBodyLimit::max(MAX_MESSAGE))
        .with_state(shared)
}

pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// Returns the phone's address: a hash of its bearer secret, so that the relay stores no bearer secret.
fn address(headers: &HeaderMap) -> Option<String> {
    let bearer = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let secret = URL_SAFE_NO_PAD.decode(bearer).ok().filter(|secret| secret.len() == 32)?;
    Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, &secret)))
}

#[derive(Deserialize)]
struct Wanted {
    vapid_key: String,
    slot: String,
}

async fn subscribe(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    headers: HeaderMap,
    Json(wanted): Json<Wanted>,
) -> Response {
    let Some(address) = address(&headers) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if !shared.limits.allows(format!("subscribe {}", peer.address())) {
        return too_many();
    }
    let key_fits = URL_SAFE_NO_PAD.decode(&wanted.vapid_key).is_ok_and(|key| key.len() == 65);
    let slot_fits = URL_SAFE_NO_PAD.decode(&wanted.slot).is_ok_and(|slot| slot.len() == 16);
    if !key_fits || !slot_fits {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let expires_at = now().saturating_add(LIFE);
    let subscription = Subscription { address, slot: wanted.slot, vapid_key: wanted.vapid_key, expires_at };
    match shared.sealer.seal(&subscription) {
        Ok(sealed) => {
            let endpoint = format!("{}/push/{sealed}", shared.origin);
            (StatusCode::CREATED, Json(json!({ "endpoint": endpoint, "expires_at": expires_at }))).into_response()
        }
        Err(_no_randomness) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn too_many() -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "10")]).into_response()
}

async fn push(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    Path(sealed): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !shared.limits.allows(format!("push {}", peer.address())) {
        return too_many();
    }
    let subscription = match shared.sealer.open(&sealed, now()) {
        Ok(subscription) => subscription,
        Err(EndpointError::Unknown) => return StatusCode::NOT_FOUND.into_response(),
        Err(EndpointError::Expired) => return StatusCode::GONE.into_response(),
    };
    match vapid::check(text(header::AUTHORIZATION), &subscription.vapid_key, &shared.origin, now()) {
        Ok(()) => {}
        Err(VapidError::Missing) => return StatusCode::UNAUTHORIZED.into_response(),
        Err(VapidError::Refused) => return StatusCode::FORBIDDEN.into_response(),
    }
    if !shared.limits.allows(format!("key {}", subscription.vapid_key)) {
        return too_many();
    }
    let ttl: Option<u64> = headers.get("ttl").and_then(|value| value.to_str().ok()).and_then(|ttl| ttl.parse().ok());
    let Some(ttl) = ttl.filter(|_ttl| text(header::CONTENT_ENCODING) == "aes128gcm") else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (Ok(urgency), Ok(topic)) = (urgency(&headers), topic(&headers)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let expires_at = now().saturating_add(ttl.min(MAX_TTL));
    let message = Message { slot: subscription.slot, body: body.to_vec(), expires_at, urgency, topic };
    deliver(&shared, subscription.address, message).await
}

/// A header with a value that RFC 8030 does not allow.
struct Malformed;

/// Reads the header `Urgency` (RFC 8030 section 5.3). Without it, a push has normal urgency.
fn urgency(headers: &HeaderMap) -> Result<Urgency, Malformed> {
    match headers.get("urgency").map(HeaderValue::as_bytes) {
        Some(b"very-low" | b"low") => Ok(Urgency::Low),
        None | Some(b"normal") => Ok(Urgency::Normal),
        Some(b"high") => Ok(Urgency::High),
        Some(_) => Err(Malformed),
    }
}

/// Reads the header `Topic` (RFC 8030 section 5.4): at most 32 characters of base64url.
fn topic(headers: &HeaderMap) -> Result<Option<String>, Malformed> {
    let Some(value) = headers.get("topic") else {
        return Ok(None);
    };
    let topic = value.to_str().map_err(|_not_ascii| Malformed)?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = (1..=MAX_TOPIC).contains(&topic.len()) && topic.bytes().all(is_allowed);
    if fits { Ok(Some(topic.to_owned())) } else { Err(Malformed) }
}

async fn deliver(shared: &Arc<Shared>, address: String, message: Message) -> Response {
    let delay = shared.faults.delay_now();
    let delivered = shared.faults.apply(address, message);
    if !delay.is_zero() {
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            for (address, message) in delivered {
                // A full queue drops the message. This is allowed, because any push may get lost.
                let _lost = shared.queues.push(&address, message, now());
            }
        });
        return StatusCode::CREATED.into_response();
    }
    for (address, message) in delivered {
        if shared.queues.push(&address, message, now()).is_err() {
            return too_many();
        }
    }
    StatusCode::CREATED.into_response()
}

async fn listen(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Some(address) = address(&headers) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let lines = stream::unfold(shared.queues.listen(&address, now()), next_line);
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

async fn next_line(
    mut messages: mpsc::Receiver<Message>,
) -> Option<(Result<Bytes, Infallible>, mpsc::Receiver<Message>)> {
    let line = match tokio::time::timeout(HEARTBEAT, messages.recv()).await {
        Ok(Some(message)) => {
            let line = json!({ "slot": message.slot, "message": URL_SAFE_NO_PAD.encode(&message.body) });
            format!("{line}\n")
        }
        // A newer stream of the same phone has replaced this stream.
        Ok(None) => return None,
        Err(_quiet) => "\n".to_owned(),
    };
    Some((Ok(Bytes::from(line)), messages))
}
