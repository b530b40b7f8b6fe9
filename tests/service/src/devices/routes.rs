//! The HTTP handlers for requests about a device, and for the chain of the service's keys.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::devices::acts::{self, Message};
use crate::devices::request::{Request, verified};
use crate::devices::state::{skewed, state};
use crate::keys;
use crate::limits;
use crate::peer::Peer;
use crate::problem::Problem;

/// `POST /phone/device`: requests about the device itself.
pub async fn device(State(app): State<App>, peer: Peer, body: Bytes) -> Result<Response, Problem> {
    limits::phone(&app, &peer).await?;
    let request: Request<Message> = verified(&app, "device", &body).await?;
    if !request.in_time {
        return skewed(&app, &request.device, &request.jti);
    }
    let (id, jti, message, now) =
        (request.device.id.clone(), request.jti.clone(), request.message.clone(), app.clock.now());
    let (account_id, shared) = (&request.device.account_id, app.clone());
    let (standing, news, push) =
        app.store.in_account(account_id, move |tx| acts::take(tx, &shared, &id, &jti, &message, now)).await?;
    app.push.send_all(push.into_iter().collect());
    state(&app, &request.device, &request.jti, standing, news)
}

/// `GET /phone/keys`: every key document, starting with the first.
pub async fn key_chain(State(app): State<App>, peer: Peer) -> Result<Response, Problem> {
    limits::phone(&app, &peer).await?;
    // The chain is read from the database, because another process may have added a document after this process last
    // read the keys.
    let chain = app.store.global(keys::chain).await?;
    Ok(axum::Json(serde_json::json!({ "chain": chain })).into_response())
}
