//! Simulates slow responses, requests that are delivered twice, and forged responses (`tests/journeys/src/cuts.rs`
//! simulates lost requests and responses). Also checks that the second delivery of a request has no effect, and that a
//! phone does not send the same answer twice at the same time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The delay of a slow response. During this time the core can process its outbox. The delay is shorter than the
/// harness's time limits.
const SLOW: Duration = Duration::from_millis(1_500);
const MAX_BODY: usize = 128 * 1024;

/// A fault for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trick {
    /// The response is slow.
    Slow,
    /// The service gets the request twice. The phone gets the first response.
    Twice,
    /// The response names a signing key that the service does not have.
    Forged,
}

/// The pending faults, and the observed traffic.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    tricks: Vec<(String, Trick)>,
    all_twice: bool,
    under_way: Vec<String>,
    doubled: Vec<String>,
}

impl Wire {
    /// Applies a fault to the next request to a path.
    pub(crate) fn play(&self, path: &str, trick: Trick) {
        self.with(|seen| seen.tricks.push((path.to_owned(), trick)));
    }

    /// From now on the service gets every request twice, except fetches of prompts, which the service may keep open.
    pub(crate) fn double_all(&self) {
        self.with(|seen| seen.all_twice = true);
    }

    /// Removes the pending faults. Does not end the effect of `double_all`.
    pub(crate) fn heal(&self) {
        self.with(|seen| seen.tricks.clear());
    }

    /// The faults since the last call: effects that happened twice, and answers that were sent twice at the same time.
    #[must_use]
    pub(crate) fn doubled(&self) -> Vec<String> {
        self.with(|seen| std::mem::take(&mut seen.doubled))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Seen) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self, path: &str) -> Option<Trick> {
        self.with(|seen| match seen.tricks.iter().position(|(wanted, _)| path.starts_with(wanted.as_str())) {
            Some(found) => Some(seen.tricks.remove(found).1),
            None => (seen.all_twice && path != "/phone/prompts").then_some(Trick::Twice),
        })
    }

    fn enter(&self, message: Option<String>) -> UnderWay {
        if let Some(message) = &message {
            self.with(|seen| {
                if seen.under_way.contains(message) {
                    seen.doubled.push("a phone sent one message twice at the same time".to_owned());
                }
                seen.under_way.push(message.clone());
            });
        }
        UnderWay { wire: self.clone(), message }
    }
}

/// Marks an answer as being sent. The mark ends when the answer's request was processed, or when the phone closes the
/// connection before that.
struct UnderWay {
    wire: Wire,
    message: Option<String>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(message) = &self.message {
            self.wire.with(|seen| {
                if let Some(found) = seen.under_way.iter().position(|other| other == message) {
                    seen.under_way.remove(found);
                }
            });
        }
    }
}

/// The middleware that applies the faults.
pub(crate) async fn layer(State(wire): State<Wire>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if !(path.starts_with("/phone/") || path == "/par" || path == "/token") {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let _under_way = wire.enter(decision_in(&path, &body));
    let trick = wire.take(&path);
    if trick == Some(Trick::Slow) {
        tokio::time::sleep(SLOW).await;
    }
    let first = whole(next.clone().run(again(&parts, &body)).await).await;
    match trick {
        None | Some(Trick::Slow) => first.into_response(),
        Some(Trick::Forged) => first.forged().into_response(),
        Some(Trick::Twice) => {
            let second = whole(next.run(again(&parts, &body)).await).await;
            if let Some(what) = effect_of(&path, &first, &second) {
                wire.with(|seen| seen.doubled.push(what));
            }
            first.into_response()
        }
    }
}

fn again(parts: &Parts, body: &Bytes) -> Request {
    Request::from_parts(parts.clone(), Body::from(body.clone()))
}

/// A response with its complete body.
struct Whole {
    parts: axum::http::response::Parts,
    body: Bytes,
}

async fn whole(response: Response) -> Whole {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default();
    Whole { parts, body }
}

impl Whole {
    fn into_response(self) -> Response {
        Response::from_parts(self.parts, Body::from(self.body))
    }

    /// A response with the same claims that names an unknown key as its signer.
    fn forged(mut self) -> Self {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let mut parts = text.split('.');
        if let (Some(header), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next())
            && let Some(Value::Object(mut header)) = decoded(header)
        {
            header.insert("kid".to_owned(), Value::String("A".repeat(43)));
            let header = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
            self.body = Bytes::from(format!("{header}.{claims}.{signature}"));
        }
        self
    }
}

fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn claims(jws: &[u8]) -> Option<Value> {
    decoded(std::str::from_utf8(jws).ok()?.split('.').nth(1)?)
}

/// The signed answer in a request, or the id of the reported prompt. Two requests with the same value are the same
/// message. `None` for requests that contain no decision.
fn decision_in(path: &str, body: &[u8]) -> Option<String> {
    let claims = (path == "/phone/answers").then(|| claims(body)).flatten()?;
    let named = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    named("answer").or_else(|| named("prompt"))
}

/// Describes the effect of the second delivery of a request. `None` if the second delivery had no effect, which is the
/// required result.
fn effect_of(path: &str, first: &Whole, second: &Whole) -> Option<String> {
    let device = |answer: &Whole| serde_json::from_slice::<Value>(&answer.body).ok()?.get("device_id").cloned();
    let is_doubled = match path {
        "/par" | "/token" => first.parts.status.is_success() && second.parts.status.is_success(),
        // The second delivery of a bind must return the same device.
        "/phone/enrollment" => second.parts.status.is_success() && device(first) != device(second),
        _ => ["outcome", "turn_on", "push_test"]
            .into_iter()
            .any(|name| claims(&second.body).is_some_and(|claims| claims.get(name).is_some())),
    };
    is_doubled.then(|| format!("a request to {path} that was delivered twice took effect twice"))
}
