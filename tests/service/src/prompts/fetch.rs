//! The fetch endpoint. It returns the signed state with the live prompts. If the phone already knows the status and the
//! prompts, the endpoint waits before it responds. The wait ends in one of these cases: the status or the prompts
//! change; the device sends a newer fetch; the time for which the phone wants to wait is over.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract;
use axum::response::Response;
use serde::Deserialize;

use crate::app::App;
use crate::devices::device::{Device, State};
use crate::devices::request::{Request, verified};
use crate::devices::standing::{Standing, Status};
use crate::devices::state::{MAX_PROMPTS, News, listed, skewed, state};
use crate::enrollment::acts::expire_enrollment;
use crate::features::Named;
use crate::limits;
use crate::peer::Peer;
use crate::people::person::Person;
use crate::problem::Problem;
use crate::prompts::acts;
use crate::prompts::records::Prompt;
use crate::store::StoreError;
use crate::verdict::Verdict;

const MAX_WAIT: u64 = 30;
/// A waiting fetch reads the database again after this time, because another process may have changed it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
enum FetchMessage {
    Fetch {
        reason: Reason,
        wait: u64,
        known: Known,
        #[serde(default)]
        features: Named,
    },
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

/// `POST /phone/prompts`: returns the signed state with the live prompts.
pub async fn prompts(extract::State(app): extract::State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    limits::phone(&app, &peer).await?;
    let request: Request<FetchMessage> = verified(&app, "prompts", &body).await?;
    let FetchMessage::Fetch { reason, wait, known, features } = &request.message;
    if *wait > MAX_WAIT || known.prompts.len() > MAX_PROMPTS {
        return Err(Problem::RequestRefused);
    }
    if !request.in_time {
        return skewed(&app, &request.device, &request.jti);
    }
    note_contact(&app, &request, peer.network(), *reason == Reason::Opened, features.clone().into_names()).await?;
    let found = wait_for_news(&app, &request, known, *wait).await?;
    let prompts =
        (found.standing.status == Status::Ok).then(|| found.listed.into_iter().map(|prompt| prompt.jws).collect());
    state(&app, &request.device, &request.jti, found.standing, News { prompts, ..News::default() })
}

/// Stores that this is the device's newest fetch. Unless the device is a tombstone, also stores the features that the
/// phone knows. For an active device, also stores the phone's network and, if the person has opened the app, the
/// current time. An older fetch that still waits, perhaps in another process, ends when it reads that a newer fetch
/// exists.
async fn note_contact<M>(
    app: &App,
    request: &Request<M>,
    network: String,
    opened: bool,
    features: Vec<String>,
) -> Result<(), StoreError> {
    let (device, jti, now) = (request.device.clone(), request.jti.clone(), app.clock.now());
    app.store
        .in_account(&request.device.account_id, move |tx| {
            let is_active = tx.update::<Device, _>(&device.id, |device| {
                device.fetching = Some(jti.clone());
                if !matches!(device.state, State::Removed(_)) {
                    device.features.clone_from(&features);
                }
                if device.is_active() {
                    device.seen_from(&network, now);
                }
                device.is_active()
            })?;
            if opened && is_active == Verdict::Granted(true) {
                tx.update::<Person, _>(&device.account_id, |person| person.opened_at = now)?.granted();
            }
            Ok(())
        })
        .await
}

/// What one read of the database found.
struct Found {
    standing: Standing,
    /// The prompts that fit into the signed state.
    listed: Vec<Prompt>,
    is_newest: bool,
}

async fn wait_for_news<M>(app: &App, request: &Request<M>, known: &Known, wait: u64) -> Result<Found, Problem> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait);
    let mut changes = app.store.changes();
    loop {
        changes.mark_unchanged();
        let found = look(app, request).await?;
        if differs(&found, known)
            // GUARD(newest-fetch-only): newer_fetch_ends_the_older_one
            || !found.is_newest
            || tokio::time::Instant::now() >= deadline
        {
            return Ok(found);
        }
        tokio::select! {
            () = tokio::time::sleep_until(deadline.min(tokio::time::Instant::now() + LOOK_AGAIN)) => {}
            _ = changes.changed() => {}
        }
    }
}

/// Returns whether there is news for the phone: the device's status has changed, the phone does not know a listed
/// prompt, or a prompt that the phone knows is no longer listed.
fn differs(found: &Found, known: &Known) -> bool {
    let news = found.listed.iter().any(|prompt| !known.prompts.contains(&prompt.jti));
    let gone = known.prompts.iter().any(|jti| !found.listed.iter().any(|prompt| prompt.jti == *jti));
    found.standing.status != known.status || news || gone
}

async fn look<M>(app: &App, request: &Request<M>) -> Result<Found, StoreError> {
    let (shared, id, jti, now) = (app.clone(), request.device.id.clone(), request.jti.clone(), app.clock.now());
    app.store
        .in_account(&request.device.account_id, move |tx| {
            let mut device = tx.get::<Device>(&id)?.ok_or(StoreError::Stopped)?;
            if device.state == State::Pending {
                expire_enrollment(tx, &device, now)?;
                device = tx.get::<Device>(&id)?.ok_or(StoreError::Stopped)?;
            }
            let standing = Standing::of(tx, &device)?;
            let listed = match standing.status {
                Status::Ok => listed(&shared, &device, &jti, &standing, acts::live_prompts(tx, &device, now)?),
                Status::Pending | Status::Removed | Status::ClockSkew | Status::Suspended | Status::Limited => {
                    Vec::new()
                }
            };
            Ok(Found { standing, listed, is_newest: device.fetching.as_ref() == Some(&jti) })
        })
        .await
}
