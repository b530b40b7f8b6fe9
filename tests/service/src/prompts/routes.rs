//! The HTTP endpoint for answers and reports.

use axum::body::Bytes;
use axum::extract;
use axum::response::Response;
use serde::Deserialize;

use crate::app::App;
use crate::devices::device::Device;
use crate::devices::request::{Request, verified};
use crate::devices::standing::{Standing, Status};
use crate::devices::state::{News, OutcomeClaims, skewed, state};
use crate::jose::Unverified;
use crate::limits;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::prompts::answers::{self, Act, Answer, InnerClaims};
use crate::prompts::ceremony::AnswerResult;
use crate::secrets::hashed;
use crate::store::Tx;

const ANSWER_TYP: &str = "phone-answer+jwt";

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

/// `POST /phone/answers`: processes the messages `answer` and `report`, and returns the signed state with the result.
pub async fn answers(extract::State(app): extract::State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    limits::phone(&app, &peer).await?;
    let request: Request<AnswerMessage> = verified(&app, "answers", &body).await?;
    if !request.in_time {
        return skewed(&app, &request.device, &request.jti);
    }
    let (act, prompt) = match &request.message {
        AnswerMessage::Answer { answer, received_by } => {
            let answer = inner(&app, &request.device, answer, *received_by, peer.network());
            let prompt = answer.as_ref().map(|answer| answer.prompt.clone());
            (answer.map(Act::Answer), prompt)
        }
        AnswerMessage::Report { prompt } => (Some(Act::Report(prompt.clone())), Some(prompt.clone())),
    };
    let (standing, result) = take(&app, request.device.id.clone(), request.jti.clone(), act).await?;
    let outcome = result.zip(prompt).map(|(result, prompt)| OutcomeClaims { prompt, result });
    if standing.status != Status::Removed && outcome.is_none() {
        return Err(Problem::RequestRefused);
    }
    state(&app, &request.device, &request.jti, standing, News { outcome, ..News::default() })
}

/// Verifies the inner answer: a key of the device must have signed it, and `InnerClaims::decision` must accept it.
///
/// The prompt names the key that must sign. `answers::answer` checks this later, in its transaction.
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

/// Runs `answers::take` in a transaction, then sends the pushes.
async fn take(
    app: &App,
    device_id: String,
    jti: String,
    act: Option<Act>,
) -> Result<(Standing, Option<AnswerResult>), Problem> {
    let (now, shared) = (app.clock.now(), app.clone());
    let take = move |tx: &mut Tx<'_>| answers::take(tx, &shared, &device_id, &jti, act.as_ref(), now);
    let (standing, taken) = app.store.global(take).await?;
    let result = taken.map(|(result, pushes)| {
        app.push.send_all(pushes);
        result
    });
    Ok((standing, result))
}
