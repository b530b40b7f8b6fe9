//! Targets for messages that a service signs and a phone reads: JWS, JSON, prompts, withdrawals, test pushes, states,
//! keys.

use std::sync::LazyLock;

use countersign::testing::readers::{self, AcceptedPush, Phone};
use countersign::{Matching, Prompt, Timestamp};
use serde_json::{Value, json};

use crate::sign::TestKey;
use crate::strict::{
    self, MAX_PROMPT, Opened, assert_unique_names, has_features, is_id, is_shown, number, one_of, opened, text,
};
use crate::vectors::{self, ISSUER, NOW};

pub(crate) static SERVICE: LazyLock<TestKey> = LazyLock::new(|| TestKey::named("service"));
static EXPECTED: LazyLock<Value> = LazyLock::new(|| vectors::file("phone-state.json")["expected"].clone());
/// The service keys that the phone of the vectors has stored.
static KEYS: LazyLock<Value> = LazyLock::new(|| vectors::file("phone-prompt.json")["service_keys"].clone());
static PHONE: LazyLock<Phone> = LazyLock::new(|| phone(&KEYS));
/// The same keys with `seq` 0. The valid cases of `phone-keys.json` have `seq` 1, so they are the next key document.
static BEFORE: LazyLock<Value> = LazyLock::new(|| json!({ "seq": 0, "keys": KEYS["keys"] }));
static OTHER_KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::named("stranger"));

const CAUSES: [&str; 9] = [
    "not_my_phone",
    "wrong_digits",
    "cancelled",
    "expired",
    "abandoned",
    "removed_by_phone",
    "removed_by_person",
    "removed_by_operator",
    "lost",
];
const ACTS: [&str; 13] = [
    "add_person",
    "delete_person",
    "suspend_person",
    "resume_person",
    "create_pass_for_person",
    "unblock_person",
    "change_groups",
    "make_administrator",
    "remove_administrator",
    "report_lost_for_person",
    "reset_person",
    "change_policy",
    "create_api_token",
];
const RESULTS: [&str; 9] = [
    "approved",
    "denied",
    "reported",
    "wrong_number",
    "expired",
    "superseded",
    "cancelled",
    "already_answered",
    "refused_place",
];

fn phone(keys: &Value) -> Phone {
    Phone::new(ISSUER, text(&EXPECTED, "device_id"), text(&EXPECTED, "account_id"), keys)
}

/// Returns the point of the key that must have signed a message: the service key with the message's `kid`.
fn signer(keys: &Value, jws: &str) -> Vec<u8> {
    let kid = readers::unverified_kid(jws).expect("accepted without a kid");
    keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|jwk| readers::point_of_jwk(jwk.to_string().as_bytes()))
        .find(|(_, thumbprint)| strict::canonical(&kid) == thumbprint)
        .expect("accepted the signature of an unknown key")
        .0
}

/// Reads a JWS with any payload.
pub(crate) fn jws(input: &[u8]) -> bool {
    let Some(jws) = SERVICE.message(input) else { return false };
    let kid = &SERVICE.thumbprint;
    let read = readers::jws(&jws, "phone-prompt+jwt", kid, &SERVICE.point);
    let claimed = readers::unverified_kid(&jws);
    let Some(payload) = read else { return false };
    let Opened { header, payload: again } = opened(&jws, "phone-prompt+jwt", "kid", &SERVICE.point);
    assert_eq!(payload, again);
    assert_eq!((&header["kid"], claimed.as_ref()), (&json!(kid), Some(kid)));
    assert_eq!(readers::jws(&jws, "phone-prompt+jwt", kid, &OTHER_KEY.point), None, "accepted for another key");
    assert_eq!(readers::jws(&jws, "phone-state+jwt", kid, &SERVICE.point), None, "accepted as another type");
    true
}

/// Reads a JSON text. The text is accepted only with unique member names. A generic JSON reader must return the same
/// value.
pub(crate) fn json_text(input: &[u8]) -> bool {
    let service = countersign_service::jose::check_unique(input).is_ok();
    let Some(value) = readers::json(input) else {
        return false;
    };
    assert!(service, "the phone accepts JSON that the service refuses");
    assert_unique_names(input);
    assert_eq!(Some(value), serde_json::from_slice(input).ok());
    true
}

pub(crate) fn json_seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"a":1,"b":[{"a":1}],"c":{"d":{"e":null}}}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"[1,2.5,-3e10,1e999,"\ud834\udd1e","\ud834"]"#,
        r#"{"":{"":""}} "#,
        r#"{"a\"":1,"b\\":2,"c:":3}"#,
    ];
    let deep = ["[".repeat(200), "{\"a\":".repeat(200)];
    let payloads =
        vectors::cases("phone-prompt.json").into_iter().filter_map(|case| case["payload"].as_str().map(str::to_owned));
    texts.map(str::to_owned).into_iter().chain(deep).chain(payloads.take(3)).map(String::into_bytes).collect()
}

/// Returns the JWS of a decrypted push, and the content that the phone accepts.
fn pushed(input: &[u8]) -> Option<(String, AcceptedPush)> {
    let jws = SERVICE.message(input)?;
    let read = PHONE.read_push(&jws, Timestamp(NOW));
    assert_eq!(read, PHONE.read_push(&jws, Timestamp(NOW)), "reading it again gave another result");
    Some((jws, read?))
}

/// Checks the rules for every signed push: issuer, device and times. Returns the payload.
fn addressed(jws: &str, typ: &str) -> Value {
    let Opened { payload, .. } = opened(jws, typ, "kid", &signer(&KEYS, jws));
    assert_eq!((text(&payload, "iss"), text(&payload, "aud")), (ISSUER, text(&EXPECTED, "device_id")));
    let (iat, exp) = (number(&payload, "iat"), number(&payload, "exp"));
    assert!(
        iat <= NOW + 60 && exp > NOW && exp.saturating_sub(iat) <= 300,
        "accepted a push that is valid from {iat} to {exp}"
    );
    payload
}

/// Reads a prompt, and checks the rules of section 7 of the protocol.
pub(crate) fn prompt(input: &[u8]) -> bool {
    let Some((jws, AcceptedPush::Prompt(prompt))) = pushed(input) else { return false };
    assert!(jws.len() <= MAX_PROMPT, "accepted a prompt of {} bytes", jws.len());
    let claims = addressed(&jws, "phone-prompt+jwt");
    assert_eq!(text(&claims, "sub"), text(&EXPECTED, "account_id"));
    is_id(text(&claims, "jti"));
    let origin = one_of(&claims, "origin", &["signed_in", "known_browser", "password_proved", "unknown"]);
    let key = one_of(&claims, "key", &["device", "sign_in"]);
    let kind = text(&claims, "kind");
    let keys: &[&str] = match kind {
        "confirm_enrolment" | "second_factor" | "register_device" => &["device"],
        "phone_sign_in" => &["sign_in"],
        "add_method" | "remove_method" | "create_pass" | "report_lost" => &["device", "sign_in"],
        act if ACTS.contains(&act) => &["device", "sign_in"],
        other => panic!("accepted the kind {other:?}"),
    };
    assert!(keys.contains(&key), "accepted {kind} with the key {key}");
    let longest = match (origin, kind) {
        ("unknown", _) => 60,
        (_, "second_factor" | "phone_sign_in") => 120,
        _ => 300,
    };
    let life = number(&claims, "exp").saturating_sub(number(&claims, "iat"));
    assert!(life <= longest, "accepted a lifetime of {life} seconds for {kind} of {origin}");
    shows(&prompt, &claims);
    concerns(&prompt, &claims);
    assert_eq!(
        PHONE.read_stored(&jws).as_ref(),
        Some(&*prompt),
        "reading the prompt from the store returned another prompt"
    );
    true
}

pub(crate) fn prompt_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vectors::messages("phone-prompt.json");
    seeds.extend(vectors::messages("phone-prompt-administration.json"));
    // Mutations rarely insert a character that reverses the direction of the text.
    let reversed = |seed: &Vec<u8>| {
        String::from_utf8(seed.clone()).unwrap().replace("\"application\":\"", "\"application\":\"\u{202e}")
    };
    let hostile: Vec<Vec<u8>> = seeds.iter().take(3).map(reversed).map(String::into_bytes).collect();
    assert!(hostile.iter().zip(&seeds).all(|(reversed, seed)| reversed != seed));
    seeds.extend(hostile);
    seeds
}

/// Checks the rules of section 12 for administrative acts, and that other prompts show no `about`.
fn concerns(prompt: &Prompt, claims: &Value) {
    let (kind, about) = (text(claims, "kind"), prompt.context().about.as_deref());
    if !ACTS.contains(&kind) {
        assert_eq!(about, None, "shows about with {kind}");
        return;
    }
    assert_eq!((&claims["origin"], &claims["match"]["mode"]), (&json!("signed_in"), &json!("enter")));
    assert_eq!(claims["context"]["about"].as_str(), about, "shows another text than was signed");
    let about = about.unwrap();
    is_shown(about);
    assert_eq!(about.trim().is_empty(), kind == "change_policy", "accepted {kind} about {about:?}");
}

/// Checks the parts of a prompt that a person sees.
fn shows(prompt: &Prompt, claims: &Value) {
    assert_eq!((prompt.host(), prompt.user_name()), ("login.example", "ada"));
    assert_eq!(prompt.needs_unlock(), claims["key"] == "sign_in");
    match prompt.matching() {
        Matching::Enter { digits } => {
            assert!(matches!(digits, 2 | 3), "accepted {digits} digits");
            assert_eq!(claims["match"]["digits"], *digits);
        }
        Matching::Choose { options } => {
            assert!(options.iter().all(|one| one.len() == 2 && one.bytes().all(|byte| byte.is_ascii_digit())));
            let [first, second, third] = options;
            assert!(
                first != second && second != third && first != third,
                "accepted the same number twice: {options:?}"
            );
            assert_eq!(claims["match"]["options"], json!(options));
        }
    }
    let context = prompt.context();
    let place = context.place.iter().flat_map(|place| [&place.city, &place.region, &place.country]);
    let texts = [&context.application, &context.browser, &context.os, &context.address];
    texts.into_iter().chain(place).for_each(|text| is_shown(text));
}

/// Reads a withdrawal.
pub(crate) fn withdrawn(input: &[u8]) -> bool {
    let Some((jws, AcceptedPush::Withdrawn(id, _))) = pushed(input) else { return false };
    let claims = addressed(&jws, "prompt-withdrawn+jwt");
    one_of(&claims, "reason", &["answered_elsewhere", "cancelled", "superseded", "ended"]);
    is_id(&id.jti);
    assert_eq!(text(&claims, "prompt"), id.jti);
    true
}

/// Reads a test push.
pub(crate) fn push_test(input: &[u8]) -> bool {
    let Some((jws, AcceptedPush::Test(id))) = pushed(input) else { return false };
    is_id(&id);
    assert_eq!(text(&addressed(&jws, "push-test+jwt"), "test"), id);
    true
}

/// Reads a signed state, and checks all its members.
pub(crate) fn state(input: &[u8]) -> bool {
    let Some(jws) = SERVICE.message(input) else { return false };
    let request = text(&EXPECTED, "request");
    let Some(read) = PHONE.read_state(&jws, request) else { return false };
    assert_eq!(PHONE.read_state(&jws, request), Some(read), "reading it again gave another result");
    assert_eq!(PHONE.read_state(&jws, "AAAAAAAAAAAAAAAAAAAAAA"), None, "accepted for another request");
    let Opened { payload, .. } = opened(&jws, "phone-state+jwt", "kid", &signer(&KEYS, &jws));
    assert_eq!((text(&payload, "iss"), text(&payload, "aud")), (ISSUER, text(&EXPECTED, "device_id")));
    assert_eq!(text(&payload, "request"), request);
    one_of(&payload, "status", &["ok", "pending", "removed", "clock_skew", "suspended", "limited"]);
    let said = |name: &str| !payload[name].is_null();
    if said("cause") {
        one_of(&payload, "cause", &CAUSES);
    }
    if said("outcome") {
        one_of(&payload["outcome"], "result", &RESULTS);
        text(&payload["outcome"], "prompt");
    }
    if said("policy") {
        one_of(&payload["policy"], "key_guard", &["biometric_current_set", "biometric_or_credential"]);
        assert!(payload["policy"]["phone_sign_in"].is_boolean());
        let accounts = &payload["policy"]["accounts_on_phone"];
        assert!(accounts.is_null() || accounts.as_u64().is_some_and(|count| u32::try_from(count).is_ok()));
    }
    if said("turn_on") {
        one_of(&payload, "turn_on", &["done", "not_allowed", "expired", "refused"]);
    }
    has_features(&payload);
    if said("push_test") {
        one_of(&payload, "push_test", &["sent", "too_soon", "no_address"]);
    }
    true
}

pub(crate) fn state_seeds() -> Vec<Vec<u8>> {
    [vectors::messages("phone-state.json"), vectors::messages_in("features.json", "state")].concat()
}

/// Reads a key document. The document is accepted only when its `seq` is the next number, when it has one to eight keys
/// on the curve, and when it is signed by a key that the phone has stored.
pub(crate) fn next_keys(input: &[u8]) -> bool {
    let Some(jws) = SERVICE.message(input) else { return false };
    let Some(next) = phone(&BEFORE).next_keys(&jws) else { return false };
    are_next(&BEFORE, &jws, &next);
    true
}

fn are_next(held: &Value, jws: &str, next: &Value) {
    let Opened { payload, .. } = opened(jws, "phone-keys+jwt", "kid", &signer(held, jws));
    assert_eq!(text(&payload, "iss"), ISSUER);
    assert_eq!((number(&payload, "seq"), number(next, "seq")), (number(held, "seq") + 1, number(held, "seq") + 1));
    let keys = next["keys"].as_array().unwrap();
    assert!((1..=8).contains(&keys.len()), "accepted {} keys", keys.len());
    for jwk in keys {
        let (point, _) = readers::point_of_jwk(jwk.to_string().as_bytes()).expect("accepted a key that is not a point");
        assert!(p256::PublicKey::from_sec1_bytes(&point).is_ok(), "accepted a key off the curve");
        assert_eq!((text(jwk, "kty"), text(jwk, "crv")), ("EC", "P-256"));
    }
}

/// Reads a published chain of key documents. The chain is accepted only when each document after the stored keys is
/// signed by a key of the document before it.
pub(crate) fn chain(input: &[u8]) -> bool {
    let Some((held, published)) = input.split_once_line() else { return false };
    let Some(held) = readers::json(held).filter(holdable) else { return false };
    let Some(end) = phone(&held).follow_keys(published) else { return false };
    assert_unique_names(published);
    let chain: Value = serde_json::from_slice(published).unwrap();
    let chain: Vec<&str> = chain["chain"].as_array().unwrap().iter().map(|jws| jws.as_str().unwrap()).collect();
    assert!(chain.len() <= 512, "accepted a chain of {} documents", chain.len());
    let mut at = json!({ "seq": held["seq"], "keys": keys_only(&held["keys"]) });
    let place = usize::try_from(number(&at, "seq")).unwrap();
    for jws in chain.iter().skip(place) {
        let payload: Value = serde_json::from_slice(&strict::canonical(jws.split('.').nth(1).unwrap())).unwrap();
        let next = json!({ "seq": payload["seq"], "keys": keys_only(&payload["keys"]) });
        are_next(&at, jws, &next);
        at = next;
    }
    assert_eq!(end, at, "following the chain ended at other keys than expected");
    true
}

/// Reduces each JWK to the members that define the key.
fn keys_only(keys: &Value) -> Value {
    let bare = |jwk: &Value| json!({ "kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"] });
    keys.as_array().unwrap().iter().map(bare).collect()
}

/// Returns whether a phone could have stored these keys: a phone checks keys before it stores them.
fn holdable(held: &Value) -> bool {
    let keys = held["keys"].as_array();
    let good = |jwk: &Value| readers::point_of_jwk(jwk.to_string().as_bytes()).is_some();
    held["seq"].as_u64().is_some_and(|seq| seq > 0 && seq < 1_000) && keys.is_some_and(|keys| keys.iter().all(good))
}

pub(crate) fn chain_seeds() -> Vec<Vec<u8>> {
    let file = vectors::file("phone-keys.json");
    let seed = |case: &Value| {
        let held = json!({ "seq": case["held"]["seq"], "keys": keys_only(&case["held"]["keys"]) });
        format!("{held}\n{}", json!({ "chain": case["chain"] })).into_bytes()
    };
    file["chains"].as_array().unwrap().iter().map(seed).collect()
}

/// Splits an input into two parts.
pub(crate) trait Lines {
    /// Returns the bytes before the first line feed, and those after it.
    fn split_once_line(&self) -> Option<(&[u8], &[u8])>;
}

impl Lines for [u8] {
    fn split_once_line(&self) -> Option<(&[u8], &[u8])> {
        let end = self.iter().position(|byte| *byte == b'\n')?;
        let (first, rest) = self.split_at(end);
        Some((first, rest.get(1..)?))
    }
}
