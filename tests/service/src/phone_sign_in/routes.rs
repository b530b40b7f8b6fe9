//! Two HTTP endpoints for phones that register a sign-in key or a new device. The first endpoint takes pushed
//! authorization requests (RFC 9126), the second returns tokens. Each request needs a DPoP proof by the device key
//! (RFC 9449).

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::clock::{MINUTE, Time};
use crate::jose::Unverified;
use crate::limits;
use crate::peer::Peer;
use crate::phone_sign_in::acts;
use crate::phone_sign_in::rules::{self, Proof, Pushed, REQUEST_LIFE, Redemption};
use crate::problem::Problem;
use crate::prompts::records::RequestId;
use crate::store::{StoreError, Tx};

const DPOP_TYP: &str = "dpop+jwt";
/// The id of each proof is stored for this long, so that the proof is accepted only once. This is longer than a proof
/// can be used, because a proof's time may differ from the service's time by at most one minute.
const PROOF_MEMORY: Time = 5 * MINUTE;
const MAX_STATE: usize = 2_048;

/// A DPoP proof with a valid signature. The sender of the proof has the private key.
pub struct Proved {
    /// Thumbprint of the key that signed the proof.
    pub jkt: String,
    /// The proof's `jti`.
    pub jti: String,
}

/// `POST /par`: checks all fields of the request before the phone opens the browser. The browser's URL then contains
/// only the `request_uri`.
pub async fn push(State(app): State<App>, peer: Peer, headers: HeaderMap, body: Bytes) -> Response {
    if limits::phone(&app, &peer).await.is_err() {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    }
    let fields = form(&body);
    let pushed = match rules::read(&fields, &app.config.phone_redirects) {
        Ok(pushed) => pushed,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, error),
    };
    let Some(proved) = proved(&app, &headers, "/par") else {
        return unproved(&app);
    };
    let now = app.clock.now();
    match app.store.global(move |tx| keep(tx, &proved, &pushed, now)).await {
        Ok(Some(request_uri)) => {
            let body = Json(json!({ "request_uri": request_uri, "expires_in": REQUEST_LIFE }));
            (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], body).into_response()
        }
        // The response is the same for an unknown key, a removed device and a repeated proof, because a client without
        // a device key must learn nothing about devices.
        Ok(None) => unproved(&app),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Stores a pushed authorization request and returns its `request_uri`. Returns `None` in one of these cases: the proof
/// was used before; the key that signed the proof is not the key that the request names (`dpop_jkt`); `acts::push`
/// refuses this key.
pub fn keep(tx: &mut Tx<'_>, proved: &Proved, pushed: &Pushed, now: Time) -> Result<Option<String>, StoreError> {
    // GUARD(registration-by-its-device): turning_on_phone_sign_in_in_the_browser_has_no_fault
    // INSTEAD: if !first_time(tx, proved, now)? {
    if proved.jkt != pushed.dpop_jkt || !first_time(tx, proved, now)? {
        return Ok(None);
    }
    acts::push(tx, pushed, now)
}

/// `POST /token`, for phones: redeems an authorization code for a token.
pub async fn token(app: &App, headers: &HeaderMap, fields: &HashMap<String, String>) -> Response {
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let Some(proved) = proved(app, headers, "/token") else {
        return unproved(app);
    };
    let (code, redirect_uri, verifier) = (field("code"), field("redirect_uri"), field("code_verifier"));
    let (now, shared) = (app.clock.now(), app.clone());
    let redeemed = app
        .store
        .global(move |tx| {
            if !first_time(tx, &proved, now)? {
                return Ok(None);
            }
            let by = Redemption { redirect_uri: &redirect_uri, verifier: &verifier, jkt: &proved.jkt };
            acts::redeem(tx, &shared, &code, &by, now)
        })
        .await;
    match redeemed {
        Ok(Some(tokens)) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Ok(None) => refuse(StatusCode::BAD_REQUEST, "invalid_grant"),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn first_time(tx: &mut Tx<'_>, proved: &Proved, now: Time) -> Result<bool, StoreError> {
    // GUARD(dpop-used-twice): pushed_request_needs_a_new_proof_by_the_device_key
    // INSTEAD: tx.insert_if_new(&RequestId { id: format!("dpop {} {}", proved.jkt, proved.jti), expires_at: now + PROOF_MEMORY }).map(|_| true)
    tx.insert_if_new(&RequestId { id: format!("dpop {} {}", proved.jkt, proved.jti), expires_at: now + PROOF_MEMORY })
}

/// Verifies the DPoP proof of a request. There must be exactly one `DPoP` header. The proof in this header must be for
/// this endpoint and have a current time. Returns `None` if the proof is missing or invalid.
fn proved(app: &App, headers: &HeaderMap, path: &str) -> Option<Proved> {
    let mut given = headers.get_all("dpop").iter();
    let (Some(proof), None) = (given.next(), given.next()) else {
        return None;
    };
    let unverified = Unverified::by_jwk(proof.to_str().ok()?, DPOP_TYP).ok()?;
    let (key, claims): (_, Proof) = unverified.verify_own().ok()?;
    let endpoint = format!("{}{path}", app.config.issuer);
    rules::proves(&claims, &endpoint, app.clock.now()).then(|| Proved { jkt: key.thumbprint(), jti: claims.jti })
}

/// Parses form fields. Returns no fields if a field occurs twice (RFC 6749 section 3.1) or if a value is too long.
fn form(body: &[u8]) -> HashMap<String, String> {
    let mut fields = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if value.len() > MAX_STATE || fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return HashMap::new();
        }
    }
    fields
}

/// Returns the error for a missing or invalid DPoP proof. The body includes the service's time, so that a phone without
/// an account at this service can sign its next proof with the right time.
fn unproved(app: &App) -> Response {
    let body = Json(json!({ "error": "invalid_dpop_proof", "time": app.clock.now() }));
    (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn refuse(status: StatusCode, error: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": error }))).into_response()
}
