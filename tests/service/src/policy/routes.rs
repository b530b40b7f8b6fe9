//! The policy's JSON API. Every request needs an administrator's API token.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::jose::check_unique;
use crate::people::person::Person;
use crate::people::records as people;
use crate::policy::acts::{self, Changed};
use crate::policy::document::Fault;
use crate::policy::records::{ApiToken, current, effective_for};
use crate::policy::rules::Reason;
use crate::problem::Problem;
use crate::secrets::hashed;
use crate::store::{StoreError, Tx};

/// Returns the response for a missing or invalid token. The response does not say what is wrong with the token.
fn unauthorized() -> Response {
    let body = Json(json!({ "error": "invalid_token" }));
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")], body).into_response()
}

/// Returns the administrator to whom the request's token belongs. `token` is the hashed token. Returns `None` if the
/// token is missing or invalid, or if its owner is suspended or no longer an administrator. Called in the transaction
/// that processes the request.
fn administrator(tx: &mut Tx<'_>, token: Option<&str>, now: i64) -> Result<Option<Person>, StoreError> {
    let Some(token) = token else {
        return Ok(None);
    };
    let Some(token) = tx.get::<ApiToken>(token)?.filter(|token| token.expires_at > now) else {
        return Ok(None);
    };
    let person = tx.get::<Person>(&token.account_id)?;
    // GUARD(policy-api-administrator): j1_w4_policy_api_refuses_non_administrators
    // INSTEAD: Ok(person.filter(|person| !person.suspended))
    Ok(person.filter(|person| person.is_administrator && !person.suspended))
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
        .global(move |tx| match administrator(tx, token.as_deref(), now)? {
            Some(_administrator) => Ok(Some(current(tx)?.to_json()?)),
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
            let Some(administrator) = administrator(tx, token.as_deref(), now)? else {
                return Ok(None);
            };
            Ok(Some(acts::change(tx, &administrator, &change, now)?))
        })
        .await;
    match changed {
        Ok(Some(Changed::Done(document))) => Json(document).into_response(),
        Ok(Some(Changed::Faulty(faults))) => faulty(&faults),
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
            if administrator(tx, token.as_deref(), now)?.is_none() {
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
