//! Runs a web application whose redirect URI redirects to another web origin. After a sign-in, the service redirects
//! the browser to `https://127.0.0.1:…` with the authorization code. From there the application redirects the browser
//! to its start page at `https://localhost:…`. Many applications redirect twice in this way. Browsers check each of
//! these redirects against the `form-action` policy of the page that sent the form.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use countersign_service::config::Client;
use countersign_service::secrets::{decode, hashed, random_id, same};
use countersign_service::serve::{self, Running};
use countersign_service::tls::install_provider;
use serde::Deserialize;

use crate::trouble::Trouble;
use crate::world::World;

/// An application that has bound its ports but does not run yet. The ports are bound early, because the service needs
/// the redirect URI before the application starts.
pub struct Application {
    id: &'static str,
    name: &'static str,
    secret: String,
    front: TcpListener,
    back: TcpListener,
}

/// A running application that people can sign in to.
pub struct RunningApplication {
    /// The URL that people open.
    pub url: String,
    _servers: [Running; 2],
}

struct Shared {
    id: &'static str,
    name: &'static str,
    secret: String,
    issuer: String,
    callback: String,
    front: String,
    client: reqwest::Client,
    /// The expected nonce and the PKCE verifier of each pending sign-in, by its `state`.
    begun: Mutex<HashMap<String, Begun>>,
    /// The user names of finished sign-ins, by a random token. The redirect to the start page contains this token, and
    /// the token can be used once.
    people: Mutex<HashMap<String, String>>,
}

struct Begun {
    nonce: String,
    verifier: String,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Claims {
    nonce: String,
    aud: String,
    preferred_username: String,
}

impl Application {
    /// Binds two ports.
    ///
    /// # Errors
    /// When no port is free or the random generator fails.
    pub fn bind(id: &'static str, name: &'static str) -> Result<Self, Trouble> {
        let listen = || serve::bind(([127, 0, 0, 1], 0).into());
        Ok(Self { id, name, secret: random_id()?, front: listen()?, back: listen()? })
    }

    fn callback(&self) -> Result<String, Trouble> {
        Ok(format!("https://127.0.0.1:{}/callback", self.back.local_addr()?.port()))
    }

    /// The application's entry in the service's configuration.
    ///
    /// # Errors
    /// When a port can't be read.
    pub fn client(&self) -> Result<Client, Trouble> {
        let redirect_uris = vec![self.callback()?];
        Ok(Client { id: self.id.to_owned(), secret: self.secret.clone(), name: self.name.to_owned(), redirect_uris })
    }

    /// Starts the application with the service of this world as its OpenID provider.
    ///
    /// # Errors
    /// When a certificate or an HTTP client can't be made, or a server can't be started.
    pub fn serve(self, world: &World) -> Result<RunningApplication, Trouble> {
        install_provider();
        let (callback, front) = (self.callback()?, format!("https://localhost:{}", self.front.local_addr()?.port()));
        let client =
            reqwest::Client::builder().tls_certs_only([reqwest::Certificate::from_pem(world.ca())?]).build()?;
        let shared = Arc::new(Shared {
            id: self.id,
            name: self.name,
            secret: self.secret,
            issuer: world.issuer().to_owned(),
            callback,
            front: front.clone(),
            client,
            begun: Mutex::default(),
            people: Mutex::default(),
        });
        let at_front = Router::new().route("/", get(home)).route("/welcome", get(welcome)).with_state(shared.clone());
        let at_back =
            Router::new().route("/start", get(start)).route("/callback", get(callback_page)).with_state(shared);
        let identity = world.authority.identity(&["127.0.0.1", "localhost"])?;
        let servers = [serve::serve(at_front, self.front, &identity)?, serve::serve(at_back, self.back, &identity)?];
        Ok(RunningApplication { url: front, _servers: servers })
    }
}

impl Shared {
    fn page(&self, status: StatusCode, name: &str, text: &str) -> Response {
        let title = self.name;
        let html = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><link rel=icon href=\"data:,\">\
             <main id=page data-page=\"{name}\"><h1>{title}</h1><p id=user>{text}</p></main>"
        );
        (status, Html(html)).into_response()
    }

    fn cookie(&self) -> String {
        format!("state-{}", self.id)
    }
}

async fn home(State(shared): State<Arc<Shared>>) -> Response {
    Redirect::to(&shared.callback.replace("/callback", "/start")).into_response()
}

/// Starts a sign-in, and stores its `state` in a cookie of this browser.
async fn start(State(shared): State<Arc<Shared>>) -> Response {
    let (Ok(state), Ok(nonce), Ok(first), Ok(second)) = (random_id(), random_id(), random_id(), random_id()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let verifier = first + &second;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", shared.id),
            ("redirect_uri", &shared.callback),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &hashed(verifier.as_bytes())),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    let cookie = format!("{}={state}; Path=/; Secure; HttpOnly; SameSite=Lax", shared.cookie());
    let to = format!("{}/authorize?{query}", shared.issuer);
    shared.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(state, Begun { nonce, verifier });
    ([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response()
}

/// Handles the redirect URI: redeems the authorization code, then redirects to another web origin.
async fn callback_page(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(answer): Query<HashMap<String, String>>,
) -> Response {
    match signed_in(&shared, &headers, &answer).await {
        Ok(pass) => Redirect::to(&format!("{}/welcome?pass={pass}", shared.front)).into_response(),
        Err(trouble) => shared.page(StatusCode::BAD_REQUEST, "refused", &trouble.to_string()),
    }
}

async fn signed_in(shared: &Shared, headers: &HeaderMap, answer: &HashMap<String, String>) -> Result<String, Trouble> {
    let given = |name: &str| answer.get(name).map_or("", String::as_str);
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let own = format!("{}={}", shared.cookie(), given("state"));
    if given("iss") != shared.issuer || !cookies.split("; ").any(|cookie| same(cookie, &own)) {
        return Err("the response comes from another issuer, or this browser did not start the sign-in".into());
    }
    let begun = shared.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(given("state"));
    let begun = begun.ok_or("no such sign-in is pending")?;
    if !given("error").is_empty() {
        return Err(given("error").into());
    }
    let form = [
        ("grant_type", "authorization_code"),
        ("code", given("code")),
        ("redirect_uri", &shared.callback),
        ("code_verifier", &begun.verifier),
    ];
    let asked = shared.client.post(format!("{}/token", shared.issuer)).basic_auth(shared.id, Some(&shared.secret));
    let tokens: Tokens = asked.form(&form).send().await?.error_for_status()?.json().await?;
    // The token comes from the token endpoint over TLS, so the signature need not be checked (OpenID Connect Core
    // 3.1.3.7).
    let payload = tokens.id_token.split('.').nth(1).and_then(decode).ok_or("the ID token has no payload")?;
    let claims: Claims = serde_json::from_slice(&payload)?;
    if claims.nonce != begun.nonce || claims.aud != shared.id {
        return Err("the ID token is for another client or another sign-in".into());
    }
    let (pass, user) = (random_id()?, claims.preferred_username);
    shared.people.lock().unwrap_or_else(PoisonError::into_inner).insert(pass.clone(), user);
    Ok(pass)
}

async fn welcome(State(shared): State<Arc<Shared>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let pass = query.get("pass").map_or("", String::as_str);
    let user = shared.people.lock().unwrap_or_else(PoisonError::into_inner).remove(pass);
    match user {
        Some(user) => shared.page(StatusCode::OK, shared.id, &user),
        None => shared.page(StatusCode::FORBIDDEN, "refused", "this sign-in was used already"),
    }
}
