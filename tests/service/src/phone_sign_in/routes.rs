//! The phone's side of registering a device over HTTP: pushed request and token endpoint, both proved by the
//! device key (RFC 9126, RFC 9449).

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::clock::{MINUTE, Time};
use crate::devices::records::Device;
use crate::jose::Unverified;
use crate::limits::Peer;
use crate::phone_sign_in::acts;
use crate::phone_sign_in::rules::{self, Proof, Pushed, REQUEST_LIFE, Redemption};
use crate::problem::Problem;
use crate::prompts::records::RequestId;
use crate::store::{StoreError, Tx};

const DPOP_TYP: &str = "dpop+jwt";
/// A proof is good for a minute either way; remembered longer, so that it counts once.
const PROOF_MEMORY: Time = 5 * MINUTE;
const MAX_STATE: usize = 2_048;

/// A proof whose signature was found right: whoever sent it holds this key.
struct Proved {
    jkt: String,
    jti: String,
}

/// `POST /par`: everything is checked before the browser opens, so the browser carries nothing but a name.
pub async fn push(State(app): State<App>, peer: Peer, headers: HeaderMap, body: Bytes) -> Response {
    if app.limits.phone(&peer).is_err() {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    }
    let fields = form(&body);
    let pushed = match rules::read(&fields, &app.config.phone_redirects) {
        Ok(pushed) => pushed,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, error),
    };
    let Some(proved) = proved(&app, &headers, "/par").filter(|proved| proved.jkt == pushed.dpop_jkt) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
    };
    let now = app.clock.now();
    match app.store.run(move |tx| keep(tx, proved, pushed, now)).await {
        Ok(Some(request_uri)) => {
            let body = Json(json!({ "request_uri": request_uri, "expires_in": REQUEST_LIFE }));
            (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], body).into_response()
        }
        // One answer for "no such key" and "removed": whoever asks without a device learns nothing of any.
        Ok(None) => refuse(StatusCode::BAD_REQUEST, "invalid_dpop_proof"),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn keep(tx: &mut Tx<'_>, proved: Proved, pushed: Pushed, now: Time) -> Result<Option<String>, StoreError> {
    let Some(device) = device_of(tx, &proved.jkt)?.filter(Device::is_active) else {
        return Ok(None);
    };
    if !first_time(tx, &proved, now)? {
        return Ok(None);
    }
    Ok(Some(acts::push(tx, &device, pushed, now)?))
}

/// `POST /token` of the phone.
pub async fn token(app: &App, headers: &HeaderMap, fields: &HashMap<String, String>) -> Response {
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let Some(proved) = proved(app, headers, "/token") else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_dpop_proof");
    };
    let (code, redirect_uri, verifier) = (field("code"), field("redirect_uri"), field("code_verifier"));
    let now = app.clock.now();
    let redeemed = app
        .store
        .run(move |tx| {
            if !first_time(tx, &proved, now)? {
                return Ok(None);
            }
            let by = Redemption { redirect_uri: &redirect_uri, verifier: &verifier, jkt: &proved.jkt };
            acts::redeem(tx, &code, &by, now)
        })
        .await;
    match redeemed {
        Ok(Some(tokens)) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Ok(None) => refuse(StatusCode::BAD_REQUEST, "invalid_grant"),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn device_of(tx: &mut Tx<'_>, jkt: &str) -> Result<Option<Device>, StoreError> {
    match tx.get::<crate::devices::records::DeviceKey>(jkt)? {
        Some(key) => tx.get(&key.device_id),
        None => Ok(None),
    }
}

fn first_time(tx: &mut Tx<'_>, proved: &Proved, now: Time) -> Result<bool, StoreError> {
    tx.insert(&RequestId { id: format!("dpop {} {}", proved.jkt, proved.jti), expires_at: now + PROOF_MEMORY })
}

/// The DPoP header: exactly one, for this endpoint, of now.
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

/// Form fields; one that comes twice makes the whole form unusable (RFC 6749 section 3.1).
fn form(body: &[u8]) -> HashMap<String, String> {
    let mut fields = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if value.len() > MAX_STATE || fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return HashMap::new();
        }
    }
    fields
}

fn refuse(status: StatusCode, error: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": error }))).into_response()
}
