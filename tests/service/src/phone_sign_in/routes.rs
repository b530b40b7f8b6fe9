//! HTTP endpoints for a phone that registers: pushed authorization requests (RFC 9126) and tokens. Both endpoints need
//! a DPoP proof by the device key (RFC 9449).

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
/// How long the ids of proofs are stored, so that each proof is accepted once. A proof's time may differ from the
/// service's time by at most one minute.
const PROOF_MEMORY: Time = 5 * MINUTE;
const MAX_STATE: usize = 2_048;

/// A DPoP proof with a valid signature. Its sender has the private key.
pub struct Proved {
    /// The key's thumbprint.
    pub jkt: String,
    /// The proof's `jti`.
    pub jti: String,
}

/// `POST /par`: checks the whole request before the browser opens, so that the browser carries only its `request_uri`.
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
    match app.store.run(move |tx| keep(tx, proved, pushed, now)).await {
        Ok(Some(request_uri)) => {
            let body = Json(json!({ "request_uri": request_uri, "expires_in": REQUEST_LIFE }));
            (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], body).into_response()
        }
        // The same response for an unknown key, for a removed device and for a repeated proof: a client without a
        // device key learns nothing about devices.
        Ok(None) => unproved(&app),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Stores a pushed request, if the proof was not used before and was signed by the key that the request names.
pub fn keep(tx: &mut Tx<'_>, proved: Proved, pushed: Pushed, now: Time) -> Result<Option<String>, StoreError> {
    // GUARD(registration-by-its-device): turning_on_model_in_the_browser_has_no_fault
    // INSTEAD: if !first_time(tx, &proved, now)? {
    if proved.jkt != pushed.dpop_jkt || !first_time(tx, &proved, now)? {
        return Ok(None);
    }
    acts::push(tx, pushed, now)
}

/// `POST /token`, for phones.
pub async fn token(app: &App, headers: &HeaderMap, fields: &HashMap<String, String>) -> Response {
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let Some(proved) = proved(app, headers, "/token") else {
        return unproved(app);
    };
    let (code, redirect_uri, verifier) = (field("code"), field("redirect_uri"), field("code_verifier"));
    let (now, shared) = (app.clock.now(), app.clone());
    let redeemed = app
        .store
        .run(move |tx| {
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
    // INSTEAD: tx.insert(&RequestId { id: format!("dpop {} {}", proved.jkt, proved.jti), expires_at: now + PROOF_MEMORY }).map(|_| true)
    tx.insert(&RequestId { id: format!("dpop {} {}", proved.jkt, proved.jti), expires_at: now + PROOF_MEMORY })
}

/// Verifies the DPoP header: there must be exactly one, for this endpoint, with a current time.
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

/// Parses form fields. A field that occurs twice makes the whole form invalid (RFC 6749 section 3.1).
fn form(body: &[u8]) -> HashMap<String, String> {
    let mut fields = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if value.len() > MAX_STATE || fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return HashMap::new();
        }
    }
    fields
}

/// Returns an error that includes the service's time. A phone that has no account at this service corrects its clock
/// with it.
fn unproved(app: &App) -> Response {
    let body = Json(json!({ "error": "invalid_dpop_proof", "time": app.clock.now() }));
    (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn refuse(status: StatusCode, error: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": error }))).into_response()
}
