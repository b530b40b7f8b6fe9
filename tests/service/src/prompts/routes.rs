//! Fetch, answer and report over HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract;
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::Notify;

use crate::app::App;
use crate::devices::records::{Device, State};
use crate::devices::routes::{OutcomeClaims, Request, state, status, verified};
use crate::enrollment::acts::settle_pending;
use crate::jose::Unverified;
use crate::limits::Peer;
use crate::people::Person;
use crate::problem::Problem;
use crate::prompts::acts::{self, Answer};
use crate::prompts::records::{Prompt, Told};
use crate::prompts::rules::Decision;
use crate::secrets::hashed;
use crate::store::StoreError;

const ANSWER_TYP: &str = "phone-answer+jwt";
const MAX_WAIT: u64 = 30;
const MAX_KNOWN: usize = 16;
/// Another process may have changed the database, so a waiting fetch looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
enum FetchMessage {
    Fetch { reason: Reason, wait: u64, known: Known },
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Opened,
    Push,
    Poll,
}

#[derive(Deserialize)]
struct Known {
    status: String,
    prompts: Vec<String>,
}

/// The fetch that waits for each device; a newer one ends the older.
#[derive(Clone, Default)]
pub struct Waiting(Arc<Mutex<HashMap<String, Arc<Notify>>>>);

impl Waiting {
    fn take_over(&self, device_id: &str) -> Arc<Notify> {
        let mine = Arc::new(Notify::new());
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(older) = waiting.insert(device_id.to_owned(), Arc::clone(&mine)) {
            older.notify_one();
        }
        mine
    }

    fn leave(&self, device_id: &str, mine: &Arc<Notify>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.get(device_id).is_some_and(|current| Arc::ptr_eq(current, mine)) {
            waiting.remove(device_id);
        }
    }
}

/// `POST /phone/prompts`: the state and the live prompts, at once or when something changes.
pub async fn prompts(extract::State(app): extract::State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    app.limits.phone(&peer)?;
    let request: Request<FetchMessage> = verified(&app, "prompts", &body).await?;
    let FetchMessage::Fetch { reason, wait, known } = &request.message;
    if *wait > MAX_WAIT || known.prompts.len() > MAX_KNOWN {
        return Err(Problem::RequestRefused);
    }
    if !request.in_time {
        return state(&app, &request, &request.device, None, None);
    }
    note_contact(&app, &request.device.id, peer.network(), *reason == Reason::Opened).await?;
    let (device, live) = wait_for_news(&app, &request.device.id, known, *wait).await?;
    let prompts = device.is_active().then(|| live.into_iter().map(|prompt| prompt.jws).collect());
    state(&app, &request, &device, prompts, None)
}

async fn note_contact(app: &App, id: &str, network: String, opened: bool) -> Result<(), StoreError> {
    let (id, now) = (id.to_owned(), app.clock.now());
    app.store
        .run(move |tx| {
            let Some(mut device) = tx.get::<Device>(&id)?.filter(Device::is_active) else {
                return Ok(());
            };
            device.seen_from(&network, now);
            tx.put(&device)?;
            if let Some(mut person) = tx.get::<Person>(&device.account_id)?.filter(|_person| opened) {
                person.opened_at = now;
                tx.put(&person)?;
            }
            Ok(())
        })
        .await
}

async fn wait_for_news(app: &App, id: &str, known: &Known, wait: u64) -> Result<(Device, Vec<Prompt>), Problem> {
    let mine = app.waiting.take_over(id);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait);
    let mut changes = app.store.changes();
    let found = loop {
        changes.mark_unchanged();
        let found = look(app, id).await?;
        if differs(&found, known) || tokio::time::Instant::now() >= deadline {
            break found;
        }
        tokio::select! {
            () = mine.notified() => break found,
            () = tokio::time::sleep_until(deadline.min(tokio::time::Instant::now() + LOOK_AGAIN)) => {}
            _ = changes.changed() => {}
        }
    };
    app.waiting.leave(id, &mine);
    Ok(found)
}

/// Whether the phone knows less, or still shows what is over.
fn differs((device, live): &(Device, Vec<Prompt>), known: &Known) -> bool {
    let news = live.iter().any(|prompt| !known.prompts.contains(&prompt.jti));
    let gone = known.prompts.iter().any(|jti| !live.iter().any(|prompt| prompt.jti == *jti));
    status(device).0 != known.status || news || gone
}

async fn look(app: &App, id: &str) -> Result<(Device, Vec<Prompt>), StoreError> {
    let (id, now) = (id.to_owned(), app.clock.now());
    app.store
        .run(move |tx| {
            let mut device = tx.get::<Device>(&id)?.ok_or(StoreError::Stopped)?;
            if device.state == State::Pending {
                settle_pending(tx, &device, now)?;
                device = tx.get::<Device>(&id)?.ok_or(StoreError::Stopped)?;
            }
            let live = if device.is_active() { acts::live_prompts(tx, &device, now)? } else { Vec::new() };
            Ok((device, live))
        })
        .await
}

#[derive(Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
enum AnswerMessage {
    Answer { answer: String, received_by: ReceivedBy },
    Report { prompt: String },
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReceivedBy {
    Push,
    Fetch,
}

#[derive(Deserialize)]
struct InnerClaims {
    aud: String,
    prompt: String,
    prompt_sha256: String,
    decision: WireDecision,
    number: Option<String>,
    uv: Verified,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireDecision {
    Approve,
    Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verified {
    Biometric,
    Credential,
    Unspecified,
    None,
}

/// What a signed request does to a ceremony.
enum Act {
    Answer(Answer),
    Report(String),
}

/// `POST /phone/answers`: `answer`, `report`.
pub async fn answers(extract::State(app): extract::State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    app.limits.phone(&peer)?;
    let request: Request<AnswerMessage> = verified(&app, "answers", &body).await?;
    if !request.in_time || !request.device.is_active() {
        return state(&app, &request, &request.device, None, None);
    }
    let (act, prompt) = match &request.message {
        AnswerMessage::Answer { answer, received_by } => {
            let answer = inner(&app, &request.device, answer, *received_by).ok_or(Problem::RequestRefused)?;
            let prompt = answer.prompt.clone();
            (Act::Answer(answer), prompt)
        }
        AnswerMessage::Report { prompt } => (Act::Report(prompt.clone()), prompt.clone()),
    };
    let told = take(&app, request.device.id.clone(), request.jti.clone(), act).await?;
    let outcome = told.map(|result| OutcomeClaims { prompt, result }).ok_or(Problem::RequestRefused)?;
    state(&app, &request, &request.device, None, Some(outcome))
}

/// Reads the inner answer: signed by the device key, meant for this issuer, complete for its decision.
fn inner(app: &App, device: &Device, jws: &str, received_by: ReceivedBy) -> Option<Answer> {
    let unverified = Unverified::by_kid(jws, ANSWER_TYP).ok()?;
    if unverified.kid() != device.key.thumbprint() {
        return None;
    }
    let claims: InnerClaims = unverified.verify(&device.key).ok()?;
    let decision = match (claims.decision, claims.number) {
        (WireDecision::Approve, Some(number)) => Decision::Approve(number),
        (WireDecision::Deny, None) => Decision::Deny,
        (WireDecision::Approve, None) | (WireDecision::Deny, Some(_)) => return None,
    };
    // The device key asks nobody, so no claim of verification is believed from it.
    let Verified::None = claims.uv else {
        return None;
    };
    (claims.aud == app.config.issuer).then(|| Answer {
        prompt: claims.prompt,
        prompt_sha256: claims.prompt_sha256,
        decision,
        fingerprint: hashed(jws.as_bytes()),
        by_push: received_by == ReceivedBy::Push,
    })
}

async fn take(app: &App, device_id: String, jti: String, act: Act) -> Result<Option<Told>, Problem> {
    let (now, shared) = (app.clock.now(), app.clone());
    let taken = app
        .store
        .run(move |tx| {
            // Read again inside the transaction: it may have been removed since the signature was checked.
            let Some(device) = tx.get::<Device>(&device_id)?.filter(Device::is_active) else {
                return Ok(None);
            };
            if !acts::first_time(tx, &device, &jti, now)? {
                return Ok(None);
            }
            match &act {
                Act::Answer(answer) => acts::answer(tx, &shared, &device, answer, now),
                Act::Report(prompt) => acts::report(tx, &shared, &device, prompt, now),
            }
        })
        .await?;
    Ok(taken.map(|(told, pushes)| {
        app.push.send_all(app, pushes);
        told
    }))
}
