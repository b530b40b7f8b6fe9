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
use crate::devices::routes::{News, OutcomeClaims, Request, skewed, state, verified};
use crate::devices::standing::{Standing, Status};
use crate::enrollment::acts::settle_pending;
use crate::jose::Unverified;
use crate::limits::Peer;
use crate::people::Person;
use crate::problem::Problem;
use crate::prompts::acts;
use crate::prompts::answers::{self, Act, Answer, InnerClaims};
use crate::prompts::records::{Prompt, Told};
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
    status: Status,
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
        return skewed(&app, &request);
    }
    note_contact(&app, &request.device.id, peer.network(), *reason == Reason::Opened).await?;
    let found = wait_for_news(&app, &request.device.id, known, *wait).await?;
    let prompts =
        (found.standing.status == Status::Ok).then(|| found.live.into_iter().map(|prompt| prompt.jws).collect());
    state(&app, &request, &found.standing, News { prompts, ..News::default() })
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

/// What a fetch finds.
struct Found {
    standing: Standing,
    live: Vec<Prompt>,
}

async fn wait_for_news(app: &App, id: &str, known: &Known, wait: u64) -> Result<Found, Problem> {
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
fn differs(found: &Found, known: &Known) -> bool {
    let news = found.live.iter().any(|prompt| !known.prompts.contains(&prompt.jti));
    let gone = known.prompts.iter().any(|jti| !found.live.iter().any(|prompt| prompt.jti == *jti));
    found.standing.status != known.status || news || gone
}

async fn look(app: &App, id: &str) -> Result<Found, StoreError> {
    let (id, now) = (id.to_owned(), app.clock.now());
    app.store
        .run(move |tx| {
            let mut device = tx.get::<Device>(&id)?.ok_or(StoreError::Stopped)?;
            if device.state == State::Pending {
                settle_pending(tx, &device, now)?;
                device = tx.get::<Device>(&id)?.ok_or(StoreError::Stopped)?;
            }
            let standing = Standing::of(tx, &device)?;
            let live = match standing.status {
                Status::Ok => acts::live_prompts(tx, &device, now)?,
                Status::Pending | Status::Removed | Status::ClockSkew | Status::Suspended | Status::Limited => {
                    Vec::new()
                }
            };
            Ok(Found { standing, live })
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

/// `POST /phone/answers`: `answer`, `report`.
pub async fn answers(extract::State(app): extract::State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    app.limits.phone(&peer)?;
    let request: Request<AnswerMessage> = verified(&app, "answers", &body).await?;
    if !request.in_time {
        return skewed(&app, &request);
    }
    let (act, prompt) = match &request.message {
        AnswerMessage::Answer { answer, received_by } => {
            let answer = inner(&app, &request.device, answer, *received_by, peer.network());
            let answer = answer.ok_or(Problem::RequestRefused)?;
            let prompt = answer.prompt.clone();
            (Act::Answer(answer), prompt)
        }
        AnswerMessage::Report { prompt } => (Act::Report(prompt.clone()), prompt.clone()),
    };
    let (standing, told) = take(&app, request.device.id.clone(), request.jti.clone(), act).await?;
    let outcome = told.map(|result| OutcomeClaims { prompt, result });
    if standing.status != Status::Removed && outcome.is_none() {
        return Err(Problem::RequestRefused);
    }
    state(&app, &request, &standing, News { outcome, ..News::default() })
}

/// Reads the inner answer: signed by one of the device's keys, meant for this issuer, complete for its decision.
///
/// Which of the keys had to sign is known only by the prompt, so that is looked at in the deciding transaction.
fn inner(app: &App, device: &Device, jws: &str, received_by: ReceivedBy, network: String) -> Option<Answer> {
    let unverified = Unverified::by_kid(jws, ANSWER_TYP).ok()?;
    let (signed_with, key) = device.key_named(unverified.kid())?;
    let claims: InnerClaims = unverified.verify(key).ok()?;
    Some(Answer {
        decision: claims.decision(signed_with, &app.config.issuer)?,
        prompt: claims.prompt,
        prompt_sha256: claims.prompt_sha256,
        key: unverified.kid().to_owned(),
        fingerprint: hashed(jws.as_bytes()),
        by_push: received_by == ReceivedBy::Push,
        network,
    })
}

async fn take(app: &App, device_id: String, jti: String, act: Act) -> Result<(Standing, Option<Told>), Problem> {
    let (now, shared) = (app.clock.now(), app.clone());
    let (standing, taken) = app.store.run(move |tx| answers::take(tx, &shared, &device_id, &jti, &act, now)).await?;
    let told = taken.map(|(told, pushes)| {
        app.push.send_all(app, pushes);
        told
    });
    Ok((standing, told))
}
