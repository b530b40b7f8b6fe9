//! The corpus: `tests/vectors`, valid and invalid cases made by stock libraries.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The time of the vectors, in seconds since 1970.
pub const NOW: u64 = 1_790_000_000;
/// The issuer in every file.
pub const ISSUER: &str = "https://login.example";

/// Reads a file of the vectors.
#[must_use]
pub fn file(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Returns a member's value as text; panics when it is not text.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Returns the bytes of a base64url member.
#[must_use]
pub fn bytes(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text(value)).unwrap()
}

/// Returns all cases of a file, valid and invalid.
#[must_use]
pub fn cases(name: &str) -> Vec<Value> {
    file(name)["cases"].as_array().unwrap().clone()
}

/// Returns each JWS of a file unchanged. Also returns each JWS that can be decoded as header, line feed and payload,
/// which the target signs again.
#[must_use]
pub fn messages(name: &str) -> Vec<Vec<u8>> {
    messages_in(name, "cases")
}

/// Does the same as `messages` for another list of the file.
#[must_use]
pub fn messages_in(name: &str, list: &str) -> Vec<Vec<u8>> {
    let signed: Vec<String> = file(name)[list].as_array().unwrap().iter().map(|case| text(&case["jws"])).collect();
    let opened = signed.iter().filter_map(|jws| opened(jws));
    opened.chain(signed.iter().map(|jws| jws.clone().into_bytes())).collect()
}

fn opened(jws: &str) -> Option<Vec<u8>> {
    let mut parts = jws.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let (header, payload) = (parts.next()??, parts.next()??);
    header.starts_with(b"{").then(|| [header.as_slice(), b"\n", &payload].concat())
}
