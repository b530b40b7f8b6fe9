//! Targets for the unsigned responses of a service: discovery, problems, look-up, bind, tokens.

use countersign::Timestamp;
use countersign::testing::readers;
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde_json::{Value, json};
use url::Url;

use crate::signed::{Lines, SERVICE};
use crate::strict::{assert_unique_names, is_shown, text};
use crate::vectors::{self, ISSUER, NOW};

const KEY: [u8; 16] = [7; 16];
const NONCE: [u8; 16] = [9; 16];
const ACCOUNT: &str = "dqOrwwEcx__T-ugE7D5-2w";

/// Reads a discovery document. In an accepted document, every endpoint has the issuer's web origin.
pub(crate) fn discovery(input: &[u8]) -> bool {
    for status in [301, 404, 500] {
        assert!(readers::discovery(status, input, ISSUER).is_err(), "accepted at status {status}");
    }
    let read = readers::discovery(200, input, ISSUER);
    assert_eq!(readers::discovery(200, input, ISSUER), read);
    let Ok(addresses) = read else { return false };
    assert_unique_names(input);
    let document: Value = serde_json::from_slice(input).unwrap();
    assert_eq!(document["issuer"], ISSUER);
    assert!(document["phone_sign_in"]["versions"].as_array().unwrap().contains(&json!(1)));
    for address in addresses {
        let url = Url::parse(&address).expect("accepted an endpoint that is not a URL");
        assert_eq!(url.origin().ascii_serialization(), ISSUER, "accepted an endpoint at another web origin: {address}");
        assert!(
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none(),
            "accepted {address}"
        );
    }
    assert!(readers::discovery(200, input, "https://evil.example").is_err(), "accepted for another issuer");
    true
}

pub(crate) fn discovery_seeds() -> Vec<Vec<u8>> {
    let point = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
    let at = |path: &str| format!("{ISSUER}{path}");
    let good = json!({
        "issuer": ISSUER, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "pushed_authorization_request_endpoint": at("/par"), "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ["ES256"], "authorization_response_iss_parameter_supported": true,
        "phone_sign_in": {
            "versions": [1], "look_up_endpoint": at("/phone/look-up"), "enrollment_endpoint": at("/phone/enrollment"),
            "prompts_endpoint": at("/phone/prompts"), "answers_endpoint": at("/phone/answers"),
            "device_endpoint": at("/phone/device"), "keys_endpoint": at("/phone/keys"),
            "client_id": "countersign-phone", "vapid_key": point,
        },
    })
    .to_string();
    let elsewhere =
        ["http://login.example", "https://a@login.example", "https://login.example:444", "https://evil.example"];
    let wrong = elsewhere.map(|other| good.replacen("https://login.example/phone", &format!("{other}/phone"), 1));
    std::iter::once(good).chain(wrong).chain(["<html>".to_owned(), "{}".to_owned()]).map(String::into_bytes).collect()
}

/// Reads a problem document. Only the problem types that are listed in the protocol are recognized.
pub(crate) fn problem(input: &[u8]) -> bool {
    let Some(name) = readers::problem(input) else { return false };
    assert_unique_names(input);
    let document: Value = serde_json::from_slice(input).unwrap();
    let kind = text(&document, "type")
        .strip_prefix("https://countersign.dev/problems/")
        .expect("accepted a problem type that the protocol does not have");
    let plain = kind.replace('-', "");
    assert_eq!(plain, name.to_lowercase(), "the reader returned a problem other than the one in the document");
    true
}

pub(crate) fn problem_seeds() -> Vec<Vec<u8>> {
    let names = [
        "enrollment-unknown",
        "enrollment-expired",
        "enrollment-used",
        "enrollment-cancelled",
        "too-many-look-ups",
        "unsupported-version",
        "request-refused",
        "unavailable",
    ];
    names
        .map(|name| {
            let kind = format!("https://countersign.dev/problems/{name}");
            json!({ "type": kind, "title": "x", "status": 400 }).to_string().into_bytes()
        })
        .to_vec()
}

/// Returns the MAC of a response, as the service makes it.
fn mac(label: &str, nonce: &[u8; 16], body: &[u8]) -> String {
    let field = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let fields = [field(label.as_bytes()), field(nonce), field(digest(&SHA256, body).as_ref())].concat();
    countersign_service::secrets::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &KEY), &fields).as_ref())
}

/// Returns the MAC and the body of an input. Input that begins with `{` is a body, and its MAC is computed. Any other
/// input is a MAC, a line feed and a body.
fn authenticated(label: &str, nonce: &[u8; 16], input: &[u8]) -> Option<(String, Vec<u8>)> {
    if input.first() == Some(&b'{') {
        return Some((mac(label, nonce, input), input.to_vec()));
    }
    let (mac, body) = input.split_once_line()?;
    Some((String::from_utf8(mac.to_vec()).ok()?, body.to_vec()))
}

/// Reads a look-up response. It is accepted only with the right MAC. The accepted texts contain no invisible
/// characters.
pub(crate) fn look_up(input: &[u8]) -> bool {
    let Some((given, body)) = authenticated("look-up-answer", &NONCE, input) else { return false };
    let read = |given: &str, nonce| readers::look_up(&body, given, ISSUER, nonce, &KEY);
    let Some(found) = read(&given, &NONCE) else { return false };
    assert_eq!(given, mac("look-up-answer", &NONCE, &body), "accepted with another MAC");
    assert_eq!(read(&given, &[8; 16]), None, "accepted for another nonce");
    assert_eq!(readers::bound(&body, &given, &NONCE, &KEY), None, "accepted as a bind response");
    assert_unique_names(&body);
    is_shown(&found.user_name);
    is_shown(&found.organization);
    assert!((1..=8).contains(&found.keys.len()), "accepted {} keys", found.keys.len());
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((text(&document, "issuer"), text(&document, "account_id")), (ISSUER, found.account_id.as_str()));
    true
}

pub(crate) fn look_up_seeds() -> Vec<Vec<u8>> {
    let answer = |keys: &Value, name: &str| {
        json!({
            "issuer": ISSUER, "account_id": ACCOUNT, "user_name": name, "organization": "Example Works",
            "challenge": "AAAAAAAAAAAAAAAAAAAAAA", "time": NOW, "keys": keys,
        })
        .to_string()
    };
    let keys = vectors::cases("phone-keys.json");
    let answers: Vec<String> = keys.iter().take(40).map(|case| answer(&case["jws"], "ada")).collect();
    let hidden = answer(&keys[0]["jws"], "ada\u{202e}gro.elpmaxe@\u{200b}\0");
    let own = SERVICE.sign(
        br#"{"alg":"ES256"}"#,
        json!({ "iss": ISSUER, "iat": NOW, "seq": 1, "keys": [SERVICE.jwk] }).to_string().as_bytes(),
    );
    let unproved = format!("{}\n{}", mac("look-up-answer", &[8; 16], answers[0].as_bytes()), answers[0]);
    answers.into_iter().chain([hidden, answer(&own.into(), "ada"), unproved]).map(String::into_bytes).collect()
}

/// Reads a bind response. It is accepted only with the right MAC.
pub(crate) fn bound(input: &[u8]) -> bool {
    let Some((given, body)) = authenticated("bind-answer", &NONCE, input) else { return false };
    let Some((device, account, keys)) = readers::bound(&body, &given, &NONCE, &KEY) else { return false };
    assert_eq!(given, mac("bind-answer", &NONCE, &body), "accepted with another MAC");
    assert_eq!(readers::bound(&body, &given, &[8; 16], &KEY), None, "accepted for another request");
    assert_unique_names(&body);
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((text(&document, "device_id"), text(&document, "account_id")), (device.as_str(), account.as_str()));
    assert_eq!(document["keys"], json!(keys));
    true
}

pub(crate) fn bound_seeds() -> Vec<Vec<u8>> {
    let device = "rFBzLzvjsq8Ru0-q3J0bEQ";
    let good =
        json!({ "device_id": device, "account_id": ACCOUNT, "keys": [SERVICE.thumbprint], "expires_at": NOW + 600 });
    let other = format!("{}\n{good}", mac("look-up-answer", &NONCE, good.to_string().as_bytes()));
    vec![good.to_string().into_bytes(), other.into_bytes()]
}

/// Reads the input in two ways: as a token response, and as the response to a request that adds the phone with a token
/// (protocol section 11). Both responses are accepted only for the account `ACCOUNT`. A token in an accepted response
/// is a DPoP token with the right scope.
pub(crate) fn token(input: &[u8]) -> bool {
    for status in [400, 401, 500] {
        assert_eq!(readers::token(status, input, ACCOUNT, Timestamp(NOW)), None, "accepted a token at status {status}");
    }
    let added = readers::added(200, input, ACCOUNT, Timestamp(NOW));
    let stored = readers::token(200, input, ACCOUNT, Timestamp(NOW));
    if added.is_none() && stored.is_none() {
        return false;
    }
    assert_unique_names(input);
    let document: Value = serde_json::from_slice(input).unwrap();
    if let Some((device, turns_on)) = added {
        assert_eq!((text(&document, "device_id"), text(&document, "account_id")), (device.as_str(), ACCOUNT));
        assert_eq!(turns_on, !document["turn_on"].is_null());
        if turns_on {
            is_token(&document["turn_on"]);
        }
    }
    if let Some(stage) = stored {
        is_token(&document);
        let until = find(&stage, "until").and_then(Value::as_u64).expect("stored a token without an end");
        assert!((NOW..=NOW + 600).contains(&until), "stored a token that is valid until {until}");
    }
    true
}

fn is_token(token: &Value) {
    let names = ["token_type", "scope", "sub"].map(|name| text(token, name));
    assert_eq!(names, ["DPoP", "device_registration", ACCOUNT]);
}

fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| members.values().find_map(|inner| find(inner, name)))
}

pub(crate) fn token_seeds() -> Vec<Vec<u8>> {
    let token = json!({
        "access_token": "AAAAAAAAAAAAAAAAAAAAAA", "token_type": "DPoP", "expires_in": 600, "nonce_expires_in": 300,
        "scope": "device_registration", "nonce": "AAAAAAAAAAAAAAAAAAAAAA", "sub": ACCOUNT,
    });
    let device = |turn_on: &Value| json!({ "device_id": "rFBzLzvjsq8Ru0-q3J0bEQ", "account_id": ACCOUNT, "keys": [SERVICE.thumbprint], "turn_on": turn_on });
    let error = json!({ "error": "invalid_dpop_proof", "time": NOW });
    [token.clone(), device(&token), device(&Value::Null), error].map(|seed| seed.to_string().into_bytes()).to_vec()
}
