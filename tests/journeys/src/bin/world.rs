//! Runs a service, a relay and a browser driver for tests in other languages. The program prints one line of JSON with
//! the URL of its control API, and ends when its standard input ends.
//!
//! | request | effect |
//! | --- | --- |
//! | `GET /` | returns `issuer`, `relay`, `ca` (PEM), `webdriver`, `capabilities` |
//! | `POST /people` | adds a new person; returns `user`, `password` |
//! | `POST /sign-in` | starts a sign-in of `user`, always in the same browser; returns the page's `number` |
//! | `POST /cut` | loses the next `count` requests to `path` (`at`: `before`), or their responses (`at`: `answer`) |
//! | `POST /heal` | removes all cuts |
//! | `POST /relay` | starts or stops the relay: `running`, true or false |
//! | `GET /phone-sign-in` | the redirect URI of a phone; the browser opens it after the sign-in |
//! | `POST /came-back` | waits for a returned browser, and returns its `uri` (path and query) |
//! | `POST /prompts` | adds `count` open prompts to the `database` of a phone that is not running |

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_journeys::browser::{self, Driver};
use countersign_journeys::{Cut, PageView, Person, Trouble, World};
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

struct Control {
    world: World,
    driver: Option<Driver>,
    people: HashMap<String, Browsing>,
    /// Paths and queries with which browsers returned to a phone.
    came_back: Vec<String>,
}

/// A person's browser without scripts, and the page with a number that the browser shows.
#[derive(Clone)]
struct Browsing {
    person: Person,
    number: Option<PageView>,
}

type Shared = State<Arc<Mutex<Control>>>;
type Answer = Result<Json<Value>, (StatusCode, String)>;

const PASSWORD: &str = "correct horse battery staple";

#[tokio::main]
async fn main() -> Result<(), Trouble> {
    let world = World::start().await?;
    let driver = match browser::missing() {
        None => Some(Driver::start(world.ca())?),
        Some(_reason) => None,
    };
    let control = Arc::new(Mutex::new(Control { world, driver, people: HashMap::new(), came_back: Vec::new() }));
    let router = Router::new()
        .route("/", get(facts))
        .route("/people", post(add_person))
        .route("/sign-in", post(sign_in))
        .route("/cut", post(cut))
        .route("/heal", post(heal))
        .route("/relay", post(relay))
        .route("/prompts", post(fill))
        .route("/phone-sign-in", get(go_back))
        .route("/came-back", post(came_back))
        .with_state(control);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    writeln!(std::io::stdout(), "{}", json!({ "control": address }))?;
    let until_input_ends = async {
        let mut nothing = Vec::new();
        // If the input can't be read, the program ends too.
        let _ended = tokio::io::stdin().read_to_end(&mut nothing).await;
    };
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        () = until_input_ends => {}
    }
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn facts(State(control): Shared) -> Answer {
    let control = control.lock().await;
    let world = &control.world;
    Ok(Json(json!({
        "issuer": world.issuer(),
        "relay": world.relay_url(),
        "ca": String::from_utf8_lossy(world.ca()),
        "webdriver": control.driver.as_ref().map(Driver::address),
        "capabilities": browser::capabilities(),
    })))
}

async fn add_person(State(control): Shared) -> Answer {
    let mut control = control.lock().await;
    let user = format!("person-{}@example.org", control.people.len());
    control.world.add_person(&user, PASSWORD).map_err(failed)?;
    let person = control.world.person().map_err(failed)?;
    control.people.insert(user.clone(), Browsing { person, number: None });
    Ok(Json(json!({ "user": user, "password": PASSWORD })))
}

#[derive(Deserialize)]
struct SignIn {
    user: String,
}

async fn sign_in(State(control): Shared, Json(who): Json<SignIn>) -> Answer {
    let known = control.lock().await.people.get(&who.user).cloned();
    let Browsing { person, number } = known.ok_or_else(|| failed("no such person"))?;
    let page = next_sign_in(&person, number, &who.user).await.map_err(failed)?;
    let shown = page.number().map_err(failed)?;
    control.lock().await.people.insert(who.user, Browsing { person, number: Some(page) });
    Ok(Json(json!({ "number": shown })))
}

/// Starts a sign-in. If there was an earlier sign-in (`last`), first finishes it and signs out, so that the browser is
/// a known browser. The phone must have approved the earlier sign-in.
async fn next_sign_in(person: &Person, last: Option<PageView>, user: &str) -> Result<PageView, Trouble> {
    if let Some(page) = last {
        let page = person.press(&page, "finish", &[]).await?;
        person.press(&page, "sign-out", &[]).await?;
    }
    person.sign_in_as(user, PASSWORD).await
}

#[derive(Deserialize)]
struct CutOrder {
    path: String,
    at: String,
    count: usize,
}

async fn cut(State(control): Shared, Json(order): Json<CutOrder>) -> Answer {
    let at = match order.at.as_str() {
        "before" => Cut::Before,
        "answer" => Cut::Answer,
        other => return Err(failed(format!("unknown place to cut: {other}"))),
    };
    control.lock().await.world.cuts.cut(&order.path, at, order.count);
    Ok(Json(json!({})))
}

async fn heal(State(control): Shared) -> Answer {
    control.lock().await.world.cuts.heal();
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct RelayOrder {
    running: bool,
}

async fn relay(State(control): Shared, Json(order): Json<RelayOrder>) -> Answer {
    let world = &mut control.lock().await.world;
    match order.running {
        true => world.restart_relay().await.map_err(failed)?,
        false => world.stop_relay().await,
    }
    Ok(Json(json!({})))
}

/// Handles the redirect URI of a phone that is written in another language (RFC 8252 section 7.3).
async fn go_back(State(control): Shared, uri: Uri) -> &'static str {
    control.lock().await.came_back.push(uri.to_string());
    "You can close this page."
}

/// Waits until a browser has returned. Returns the path and query of the browser that returned last. The web origin is
/// not needed, because the phone knows its own web origin.
async fn came_back(State(control): Shared) -> Answer {
    for _try in 0..400 {
        if let Some(uri) = control.lock().await.came_back.pop() {
            return Ok(Json(json!({ "uri": uri })));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(failed("no browser returned"))
}

#[derive(Deserialize)]
struct Fill {
    database: String,
    count: u32,
}

async fn fill(Json(order): Json<Fill>) -> Answer {
    tokio::task::spawn_blocking(move || fill_prompts(&order)).await.map_err(failed)?.map_err(failed)?;
    Ok(Json(json!({})))
}

/// Copies the newest prompt of a phone's database `count` times, and gives each copy its own id.
fn fill_prompts(order: &Fill) -> Result<(), Trouble> {
    let mut database = Connection::open(&order.database)?;
    let (account, jws): (String, String) =
        database.query_row("SELECT account, jws FROM prompts ORDER BY rowid DESC", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return Err("not a JWS".into());
    };
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    let transaction = database.transaction()?;
    for number in 0..order.count {
        let jti = URL_SAFE_NO_PAD.encode(u128::from(number).to_be_bytes());
        if let Some(member) = claims.get_mut("jti") {
            *member = json!(jti);
        }
        let jws = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        transaction.execute(
            "INSERT INTO prompts (account, jti, jws, received_by, received_at, expires_at, state)
             VALUES (?1, ?2, ?3, '\"push\"', 0, 99999999999, 'open')",
            params![account, jti, jws],
        )?;
    }
    transaction.commit()?;
    Ok(())
}
