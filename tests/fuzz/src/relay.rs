//! Targets for messages of services and phones to the relay, for the relay's messages to the terminal phone, and for
//! the lines that a person types into the terminal phone.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_phone::direct;
use countersign_phone::orders::{self, Order};
use countersign_relay::endpoint::{Sealer, Subscription};
use countersign_relay::{server, vapid};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::sign::TestKey;
use crate::signed::Lines;
use crate::strict::{canonical, text};
use crate::vectors::NOW;

const ORIGIN: &str = "https://relay.example";
const KEY: [u8; 32] = [5; 32];
const SLOT: &str = "AAAAAAAAAAAAAAAAAAAAAA";
static VAPID: LazyLock<TestKey> = LazyLock::new(|| TestKey::named("service"));

fn subscription() -> Subscription {
    let vapid_key = URL_SAFE_NO_PAD.encode(&VAPID.point);
    Subscription { address: SLOT.to_owned(), slot: SLOT.to_owned(), vapid_key, expires_at: NOW + 60 }
}

/// Opens a push endpoint. The relay opens only endpoints that it sealed itself, in their canonical form, until they
/// expire.
pub(crate) fn endpoint(input: &[u8]) -> bool {
    let sealer = Sealer::new(&KEY).unwrap();
    let Ok(sealed) = std::str::from_utf8(input) else { return false };
    let Ok(opened) = sealer.open(sealed, NOW) else { return false };
    assert!(canonical(sealed).len() > 28);
    assert_eq!(opened, subscription(), "opened an endpoint that the relay did not seal");
    assert!(sealer.open(sealed, NOW + 60).is_err(), "opened an expired endpoint");
    assert!(Sealer::new(&[6; 32]).unwrap().open(sealed, NOW).is_err(), "another relay opened the endpoint");
    true
}

pub(crate) fn endpoint_seeds() -> Vec<Vec<u8>> {
    let sealer = Sealer::new(&KEY).unwrap();
    let over = Subscription { expires_at: NOW, ..subscription() };
    [sealer.seal(&subscription()), sealer.seal(&over)].into_iter().map(|sealed| sealed.unwrap().into_bytes()).collect()
}

/// Reads VAPID credentials. Input that begins with `{` is signed and put into a header. Any other input is the header.
pub(crate) fn credentials(input: &[u8]) -> bool {
    let key = URL_SAFE_NO_PAD.encode(&VAPID.point);
    let header = match input.first() {
        Some(b'{') => VAPID.message(input).map(|token| format!("vapid t={token}, k={key}")),
        _ => String::from_utf8(input.to_vec()).ok(),
    };
    let Some(header) = header else { return false };
    if vapid::check(&header, &key, ORIGIN, NOW).is_err() {
        return false;
    }
    let other_key = URL_SAFE_NO_PAD.encode(&TestKey::named("stranger").point);
    assert!(vapid::check(&header, &other_key, ORIGIN, NOW).is_err(), "accepted for another service");
    assert!(vapid::check(&header, &key, "https://other.example", NOW).is_err(), "accepted at another relay");
    assert!(vapid::check(&header, &key, ORIGIN, NOW + 2 * 86_400).is_err(), "accepted two days later");
    let token =
        header.split([' ', ',']).find_map(|part| part.trim().strip_prefix("t=")).expect("accepted without a token");
    // The relay skips unknown claims, which may contain an unpaired surrogate. This generic reader refuses them.
    let Ok(claims) = serde_json::from_slice::<Value>(&canonical(token.split('.').nth(1).unwrap())) else { return true };
    assert_eq!(text(&claims, "aud"), ORIGIN);
    let exp = claims["exp"].as_u64().expect("accepted without an expiry");
    assert!(exp + 60 > NOW && exp <= NOW + 86_460, "accepted with an expiry at {exp}");
    true
}

pub(crate) fn credentials_seeds() -> Vec<Vec<u8>> {
    let claims = |aud: &str, exp: u64| json!({ "aud": aud, "exp": exp, "sub": "mailto:a@b.example" }).to_string();
    let header = r#"{"alg":"ES256","typ":"JWT"}"#;
    let good = claims(ORIGIN, NOW + 3_600);
    let token = VAPID.sign(header.as_bytes(), good.as_bytes());
    let key = URL_SAFE_NO_PAD.encode(&VAPID.point);
    [
        format!("{header}\n{good}"),
        format!("{header}\n{}", claims("https://other.example", NOW + 3_600)),
        format!("{header}\n{}", claims(ORIGIN, NOW - 3_600)),
        format!("{{\"alg\":\"none\"}}\n{good}"),
        format!("vapid t={token}, k={key}"),
        format!("vapid k={key},t={token},t={token}"),
        format!("WebPush {token}"),
    ]
    .map(String::into_bytes)
    .to_vec()
}

thread_local! {
    static RELAY: (Runtime, Router) = (
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        server::unserved(ORIGIN, &KEY).unwrap(),
    );
    /// Each request comes from a new network address, because the relay limits the rate of each address. Other tests
    /// check these limits.
    static PEER: Cell<u32> = const { Cell::new(0) };
}

fn ask(request: Request<Body>) -> (u16, Vec<u8>) {
    let mut request = request;
    PEER.set(PEER.get().wrapping_add(1));
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::from(PEER.get()), 1))));
    let (status, body) = RELAY.with(|(runtime, router)| {
        runtime.block_on(async {
            let response = router.clone().oneshot(request).await.unwrap();
            (response.status().as_u16(), to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
        })
    });
    assert!(status < 500, "the relay failed with status {status}");
    (status, body)
}

/// Sends a request for a push endpoint. The input is the `Authorization` header, a line feed, and the body.
pub(crate) fn subscribe(input: &[u8]) -> bool {
    let Some((bearer, wanted)) = input.split_once_line() else { return false };
    let request = Request::post("/subscriptions")
        .header(header::AUTHORIZATION, bearer)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(wanted.to_vec()));
    let Ok(request) = request else { return false };
    let (status, body) = ask(request);
    if status != 201 {
        return false;
    }
    let secret =
        std::str::from_utf8(bearer).unwrap().strip_prefix("Bearer ").expect("accepted without a bearer secret");
    assert_eq!(canonical(secret).len(), 32);
    let Ok(wanted) = serde_json::from_slice::<Value>(wanted) else { return true };
    assert_eq!((canonical(text(&wanted, "vapid_key")).len(), canonical(text(&wanted, "slot")).len()), (65, 16));
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let sealed = text(&answer, "endpoint")
        .strip_prefix(&format!("{ORIGIN}/push/"))
        .expect("returned an endpoint of another relay");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let opened = Sealer::new(&KEY).unwrap().open(sealed, now).unwrap();
    assert_eq!((opened.slot.as_str(), opened.vapid_key.as_str()), (text(&wanted, "slot"), text(&wanted, "vapid_key")));
    assert!(opened.expires_at <= now + 90 * 86_400 && !opened.address.contains(secret));
    true
}

pub(crate) fn subscribe_seeds() -> Vec<Vec<u8>> {
    let bearer = format!("Bearer {}", URL_SAFE_NO_PAD.encode([1; 32]));
    let wanted = json!({ "vapid_key": URL_SAFE_NO_PAD.encode(&VAPID.point), "slot": SLOT });
    [format!("{bearer}\n{wanted}"), format!("Bearer x\n{wanted}"), format!("{bearer}\n{{}}")]
        .map(String::into_bytes)
        .to_vec()
}

/// Reads a line of the relay's stream to the terminal phone.
pub(crate) fn line(input: &[u8]) -> bool {
    let Some(message) = direct::read(input) else { return false };
    // The terminal phone skips unknown members, which may contain an unpaired surrogate. This generic reader refuses
    // them.
    let Ok(line) = serde_json::from_slice::<Value>(input) else { return true };
    assert_eq!(canonical(text(&line, "slot")), message.slot);
    assert_eq!(canonical(text(&line, "message")), message.body);
    true
}

pub(crate) fn line_seeds() -> Vec<Vec<u8>> {
    vec![json!({ "slot": SLOT, "message": "AAECAw" }).to_string().into_bytes(), b"\n".to_vec(), b"{}".to_vec()]
}

/// Reads a command that a person types into the terminal phone. To approve a prompt by its id, the person must type the
/// complete word `approve`. A line is a number only without ASCII letters and signs; its digits may be of any script.
pub(crate) fn order(input: &[u8]) -> bool {
    let Ok(typed) = std::str::from_utf8(input) else { return false };
    let words: Vec<&str> = typed.split_ascii_whitespace().collect();
    let order = orders::read(typed);
    assert_eq!(orders::read(&format!("\t {typed} \r\n")), order);
    match &order {
        Order::Number(number) => {
            let is_digit = |one: char| one.is_ascii_digit() || !(one.is_ascii() || one.is_whitespace());
            assert!(!number.is_empty() && number.chars().all(is_digit), "accepted the number {number:?}");
            assert_eq!(words, [number]);
        }
        Order::ApproveNamed(id, number) => assert_eq!(words, ["approve", id, number]),
        Order::DenyNamed(id) => assert_eq!(words, ["deny", id]),
        Order::ReportNamed(id) => assert_eq!(words, ["report", id]),
        Order::MuteNamed(account) => assert_eq!(words, ["mute", account]),
        Order::UnmuteNamed(account) => assert_eq!(words, ["unmute", account]),
        Order::Nothing => assert!(words.is_empty()),
        Order::Deny | Order::Report | Order::Mute | Order::Check | Order::Quit => assert_eq!(words.len(), 1),
        Order::Unknown => {}
    }
    !matches!(order, Order::Nothing | Order::Unknown)
}

pub(crate) fn order_seeds() -> Vec<Vec<u8>> {
    ["47", "d", "r", "c", "q", "approve aB3dE9 47", "deny -_9xYz", "report aB3dE9", "m", "unmute ada", "", "yes", "٤٧"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}
