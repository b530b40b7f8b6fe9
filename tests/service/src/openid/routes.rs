//! The HTTP handlers of the OpenID Provider: discovery, authorization, token, keys and user info.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

use crate::app::App;
use crate::effects::issue_token::Redemption;
use crate::openid::acts;
use crate::openid::answer::{Answer, redirect_with_code};
use crate::openid::records::Token;
use crate::openid::request::AuthorizationRequest;
use crate::openid::rules::{self, Fault, Freshness};
use crate::pages::words;
use crate::people::person::Person;
use crate::phone_sign_in;
use crate::phone_sign_in::rules::CLIENT_ID;
use crate::problem::Problem;
use crate::secrets::hashed;
use crate::sign_in::flow::{Flow, Goal, with_flow};
use crate::sign_in::register;
use crate::store::StoreError;
use crate::visitor::Visitor;

/// `GET /.well-known/openid-configuration`.
pub async fn discovery(State(app): State<App>) -> Response {
    let issuer = &app.config.issuer;
    let at = |path: &str| format!("{issuer}{path}");
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "pushed_authorization_request_endpoint": at("/par"),
        "dpop_signing_alg_values_supported": ["ES256"],
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile"],
        "claims_supported": ["sub", "auth_time", "amr", "acr", "name", "preferred_username"],
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
        "phone_sign_in": {
            "versions": [1],
            "look_up_endpoint": app.config.endpoint("look-up"),
            "enrollment_endpoint": app.config.endpoint("enrollment"),
            "prompts_endpoint": app.config.endpoint("prompts"),
            "answers_endpoint": app.config.endpoint("answers"),
            "device_endpoint": app.config.endpoint("device"),
            "keys_endpoint": app.config.endpoint("keys"),
            "vapid_key": app.keys.vapid_point(),
            "client_id": CLIENT_ID,
        },
    }))
    .into_response()
}

/// `GET /jwks`.
pub async fn jwks(State(app): State<App>) -> Response {
    let key = app.keys.id_token();
    let public = key.public();
    Json(json!({ "keys": [{
        "kty": public.kty, "crv": public.crv, "x": public.x, "y": public.y,
        "kid": key.kid(), "alg": "ES256", "use": "sig",
    }] }))
    .into_response()
}

/// `GET /authorize`: redirects to the application immediately if the browser's session suffices. Otherwise lets the
/// person sign in first, or redirects with an error. A phone's pushed authorization request continues in
/// `sign_in::register`.
pub async fn authorize(
    State(app): State<App>,
    visitor: Visitor,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    if let (Some(CLIENT_ID), Some(request_uri)) =
        (parameters.get("client_id").map(String::as_str), parameters.get("request_uri"))
    {
        return register::authorize(&app, visitor, request_uri.clone()).await;
    }
    let request = match rules::read(&parameters, &app.config.clients) {
        Ok(request) => request,
        Err(Fault::Untrusted(why)) => {
            return words::bad_request(why).show_as(StatusCode::BAD_REQUEST, &app, Some(&visitor));
        }
        Err(Fault::Redirected { redirect_uri, state, error }) => {
            return Answer::by_redirect(Answer::new(&app, &redirect_uri, state.as_deref(), ("error", error)));
        }
    };
    let session = visitor.session.filter(|session| session.approved.is_some());
    let authenticated_at = session.as_ref().map(|session| session.authenticated_at);
    match (rules::freshness(&parameters, authenticated_at, visitor.now), session) {
        (Freshness::Any, Some(session)) => redirect_with_code(&app, session, request).await,
        (Freshness::Impossible, _) => redirect_with_error(&app, &request, "login_required"),
        (Freshness::Any | Freshness::SignInNow, _) => sign_in_first(&app, request, rules::wants_sign_in(&parameters)),
    }
}

/// Redirects the browser to its application, with an error.
fn redirect_with_error(app: &App, request: &AuthorizationRequest, error: &str) -> Response {
    Answer::by_redirect(Answer::new(app, &request.redirect_uri, request.state.as_deref(), ("error", error)))
}

/// Redirects to the sign-in page. The page's URL contains the authorization request, sealed, because the service stores
/// nothing before the person has typed a user name.
fn sign_in_first(app: &App, request: AuthorizationRequest, sign_in_now: bool) -> Response {
    let goal = Goal::Application { request: request.clone(), sign_in_now };
    match Flow::new(goal).map(|flow| flow.sealed(&app.sealer)) {
        Ok(Some(sealed)) => Redirect::to(&with_flow("/sign-in", Some(&sealed))).into_response(),
        Ok(None) => redirect_with_error(app, &request, "invalid_request"),
        Err(_no_randomness) => Problem::Unavailable.into_response(),
    }
}

/// `POST /token`.
pub async fn token(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let fields: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    if field("client_id") == CLIENT_ID && field("grant_type") == "authorization_code" {
        return phone_sign_in::routes::token(&app, &headers, &fields).await;
    }
    let Some(client_id) = authenticated_client(&app, &headers, &fields) else {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    if field("grant_type") != "authorization_code" {
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let by = Redemption {
        code: field("code"),
        client_id,
        redirect_uri: field("redirect_uri"),
        verifier: field("code_verifier"),
    };
    let (now, shared) = (app.clock.now(), app.clone());
    match app.store.global(move |tx| acts::redeem(tx, &shared, &by, now)).await {
        Ok(Some(tokens)) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Ok(None) => refuse(StatusCode::BAD_REQUEST, "invalid_grant"),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn refuse(status: StatusCode, error: &'static str) -> Response {
    let mut response = (status, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": error }))).into_response();
    if status == StatusCode::UNAUTHORIZED {
        // This header is required by RFC 6749 section 5.2 and RFC 6750 section 3.
        let scheme = if error == "invalid_client" { "Basic" } else { "Bearer error=\"invalid_token\"" };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    response
}

/// Authenticates the client, by HTTP Basic or form fields (RFC 6749 section 2.3.1).
fn authenticated_client(app: &App, headers: &HeaderMap, fields: &HashMap<String, String>) -> Option<String> {
    let (id, secret) = match headers.get(header::AUTHORIZATION) {
        Some(value) => basic(value.to_str().ok()?)?,
        None => (fields.get("client_id")?.clone(), fields.get("client_secret")?.clone()),
    };
    let client = app.config.clients.iter().find(|client| client.id == id)?;
    // The secrets are compared by their hashes, so that the time of the comparison does not show where the secrets
    // differ.
    (hashed(secret.as_bytes()) == hashed(client.secret.as_bytes())).then_some(id)
}

fn basic(header: &str) -> Option<(String, String)> {
    use base64::Engine;
    let decoded = base64::engine::general_purpose::STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    let unescaped = |text: &str| {
        let pair = url::form_urlencoded::parse(text.as_bytes()).next();
        pair.map(|(text, _)| text.into_owned()).unwrap_or_default()
    };
    Some((unescaped(id), unescaped(secret)))
}

/// `GET /userinfo` and `POST /userinfo`.
pub async fn user_info(State(app): State<App>, headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(|token| hashed(token.as_bytes()))
    else {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_token");
    };
    let now = app.clock.now();
    match app.store.global(move |tx| owner_of(tx, &token, now)).await {
        Ok(Some(person)) => Json(json!({
            "sub": person.account_id, "name": person.display_name, "preferred_username": person.user_name,
        }))
        .into_response(),
        Ok(None) => refuse(StatusCode::UNAUTHORIZED, "invalid_token"),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn owner_of(tx: &mut crate::store::Tx<'_>, token: &str, now: i64) -> Result<Option<Person>, StoreError> {
    match tx.get::<Token>(token)?.filter(|token| token.expires_at > now) {
        Some(token) => tx.get(&token.account_id),
        None => Ok(None),
    }
}
