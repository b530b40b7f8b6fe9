//! The policy's JSON API. Every request needs an administrator's API token.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::clock::Time;
use crate::effects::api_token::{self, ApiAccess};
use crate::effects::policy::{self, Changed};
use crate::jose::check_unique;
use crate::people::records as people;
use crate::policy::document::Fault;
use crate::policy::records::{current, effective_for};
use crate::policy::rules::Reason;
use crate::problem::Problem;
use crate::secrets::hashed;
use crate::store::{StoreError, Tx};

/// Returns the response for a missing or invalid token. The response does not say what is wrong with the token.
fn unauthorized() -> Response {
    let body = Json(json!({ "error": "invalid_token" }));
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")], body).into_response()
}

/// Returns the response for a token that only allows reading the policy (RFC 6750 section 3.1).
fn insufficient_scope() -> Response {
    let body = Json(json!({ "error": "insufficient_scope" }));
    (StatusCode::FORBIDDEN, [(header::WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"")], body).into_response()
}

/// Checks the request's token, which is hashed. Called in the transaction that processes the request.
fn access<'t>(tx: &mut Tx<'t>, token: Option<&str>, now: Time) -> Result<Option<ApiAccess<'t>>, StoreError> {
    match token {
        Some(token) => api_token::access(tx, token, now),
        None => Ok(None),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    Some(hashed(value.strip_prefix("Bearer ")?.as_bytes()))
}

/// `GET /api/policy`.
pub async fn policy(State(app): State<App>, headers: HeaderMap) -> Response {
    let (token, now) = (bearer(&headers), app.clock.now());
    let read = app
        .store
        .global(move |tx| match access(tx, token.as_deref(), now)? {
            Some(_access) => Ok(Some(current(tx)?.to_json()?)),
            None => Ok(None),
        })
        .await;
    match read {
        Ok(Some(document)) => Json(document).into_response(),
        Ok(None) => unauthorized(),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// `PATCH /api/policy`: applies all of the change or nothing.
pub async fn change_policy(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let change: Value = match check_unique(&body).ok().and_then(|()| serde_json::from_slice(&body).ok()) {
        Some(change) => change,
        None => {
            return faulty(&[Fault {
                pointer: String::new(),
                detail: "The body is not JSON, or a member occurs twice.".to_owned(),
            }]);
        }
    };
    let (token, now) = (bearer(&headers), app.clock.now());
    let changed = app
        .store
        .global(move |tx| {
            let Some(access) = access(tx, token.as_deref(), now)? else {
                return Ok(None);
            };
            match policy::by_api_token(tx, &access, &change) {
                Some(proof) => policy::act(tx, proof, now).map(|changed| Some(Some(changed))),
                None => Ok(Some(None)),
            }
        })
        .await;
    match changed {
        Ok(Some(Some(Changed::Done(document)))) => Json(document).into_response(),
        Ok(Some(Some(Changed::Faulty(faults)))) => faulty(&faults),
        Ok(Some(None)) => insufficient_scope(),
        Ok(None) => unauthorized(),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn faulty(faults: &[Fault]) -> Response {
    let body = json!({
        "type": "https://countersign.dev/problems/invalid-policy", "title": "The policy was not changed",
        "status": 400, "errors": faults,
    });
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::BAD_REQUEST, kind, body.to_string()).into_response()
}

/// `GET /api/people/{user_name}/policy`: the policy as it applies to one person, with the reasons.
pub async fn persons_policy(State(app): State<App>, headers: HeaderMap, Path(user_name): Path<String>) -> Response {
    let (token, now) = (bearer(&headers), app.clock.now());
    let found = app
        .store
        .global(move |tx| {
            if access(tx, token.as_deref(), now)?.is_none() {
                return Ok(None);
            }
            Ok(Some(match people::find(tx, &user_name)? {
                Some(person) => Some(effective_for(tx, &person)?),
                None => None,
            }))
        })
        .await;
    match found {
        Ok(Some(Some(effective))) => Json(json!({
            "authenticationMode": effective.mode,
            "phoneSignIn": effective.allows_phone_sign_in(),
            "push": effective.allows_push(),
            "why": effective.why.iter().map(Reason::words).collect::<Vec<_>>(),
        }))
        .into_response(),
        Ok(Some(None)) => (StatusCode::NOT_FOUND, Json(json!({ "error": "no such person" }))).into_response(),
        Ok(None) => unauthorized(),
        Err(error) => Problem::from(error).into_response(),
    }
}
