//! The bytes that everything starts from: `tests/vectors`, made by stock libraries, good and wrong alike.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The readers' clock.
pub const NOW: u64 = 1_790_000_000;
/// The issuer of every file.
pub const ISSUER: &str = "https://login.example";

/// A file of the vectors.
#[must_use]
pub fn file(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The text of a member.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The bytes of a member.
#[must_use]
pub fn bytes(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text(value)).unwrap()
}

/// The cases of a file, whatever their verdict.
#[must_use]
pub fn cases(name: &str) -> Vec<Value> {
    file(name)["cases"].as_array().unwrap().clone()
}

/// Each case of a JWS kind twice: as it is, and opened (`header`, line feed, `payload`), to be signed anew.
#[must_use]
pub fn messages(name: &str) -> Vec<Vec<u8>> {
    let signed: Vec<String> = cases(name).iter().map(|case| text(&case["jws"])).collect();
    let opened = signed.iter().filter_map(|jws| opened(jws));
    opened.chain(signed.iter().map(|jws| jws.clone().into_bytes())).collect()
}

fn opened(jws: &str) -> Option<Vec<u8>> {
    let mut parts = jws.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let (header, payload) = (parts.next()??, parts.next()??);
    header.starts_with(b"{").then(|| [header.as_slice(), b"\n", &payload].concat())
}
