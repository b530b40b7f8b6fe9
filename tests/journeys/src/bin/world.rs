//! A service, a relay and a browser's driver for tests in other languages: it prints one line of JSON with the
//! address of its control, and ends when its input ends.
//!
//! | control | |
//! | --- | --- |
//! | `GET /` | `issuer`, `relay`, `ca` (PEM), `webdriver`, `capabilities` |
//! | `POST /people` | a new person: `user`, `password` |
//! | `POST /sign-in` | signs a person in by the pages' forms, from the browser of last time: `number` |
//! | `POST /cut`, `POST /heal` | cuts the network at a path of the service: `path`, `at` (`before`, `answer`), `count` |
//! | `POST /relay` | `running`: true or false |
//! | `/phone-sign-in` | where a browser goes back to a phone; `POST /came-back`: the `uri` that it came back with |
//! | `POST /prompts` | puts `count` open prompts into the `database` of a phone that is not running |

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
    /// Addresses that browsers came back with to a phone.
    came_back: Vec<String>,
}

/// Somebody's browser that speaks forms, and the page with the number it shows.
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
        // A broken input has ended too.
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
    let page = sign_in_anew(&person, number, &who.user).await.map_err(failed)?;
    let shown = page.number().map_err(failed)?;
    control.lock().await.people.insert(who.user, Browsing { person, number: Some(page) });
    Ok(Json(json!({ "number": shown })))
}

/// Finishes the sign-in of last time, so that this browser is known, and starts the next.
async fn sign_in_anew(person: &Person, last: Option<PageView>, user: &str) -> Result<PageView, Trouble> {
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
        other => return Err(failed(format!("cut at {other}?"))),
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

/// Where a browser goes back to a phone of another language (RFC 8252 section 7.3).
async fn go_back(State(control): Shared, uri: Uri) -> &'static str {
    control.lock().await.came_back.push(uri.to_string());
    "You can close this page."
}

/// The address that the last browser came back with, without what the phone knows itself.
async fn came_back(State(control): Shared) -> Answer {
    for _try in 0..400 {
        if let Some(uri) = control.lock().await.came_back.pop() {
            return Ok(Json(json!({ "uri": uri })));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(failed("no browser came back"))
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

/// Multiplies the newest prompt of a phone's database, each with an id of its own.
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
