//! Targets for messages of phones to the reference service.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_service::jose::Unverified;
use countersign_service::phone_sign_in::registration::RegistrationToken;
use countersign_service::phone_sign_in::rules::{KeyProof, TurnOn, TurnedOn, turn_on};
use countersign_service::secrets::hashed;
use ring::hmac;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::scene::{self, APP, Answer, COOKIE, Scene};
use crate::sign::TestKey;
use crate::signed::Lines;
use crate::strict::{canonical, has_features, is_id, is_shown, number, one_of, opened, text};
use crate::vectors::{self, ISSUER, NOW};

static ANSWERED: LazyLock<Value> = LazyLock::new(|| vectors::file("phone-answer.json")["expected"].clone());
static REGISTERED: LazyLock<Value> = LazyLock::new(|| vectors::file("phone-sign-in-key.json")["expected"].clone());
static SIGN_IN: LazyLock<TestKey> = LazyLock::new(|| TestKey::named("sign_in"));

/// A placeholder in a payload. `proven` replaces the placeholder by the right MAC.
const MAC: &str = "\"mac\":\"MAC\"";

/// Checks that a refusal is one of the protocol's problem documents.
fn is_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let kind = text(&answer.json(), "type").to_owned();
    assert!(kind.starts_with("https://countersign.dev/problems/"), "refused with the problem type {kind}");
}

/// Checks and returns the signed state with which the service responds to a request of the device.
fn state_of(scene: &Scene, answer: &Answer, request: &Value) -> Value {
    let jws = std::str::from_utf8(&answer.body).unwrap();
    let key = scene.app.keys.phone(scene.app.clock.now());
    let state = opened(jws, "phone-state+jwt", "kid", &key.public().point().unwrap()).payload;
    assert_eq!((text(&state, "iss"), text(&state, "aud")), (ISSUER, scene.device_id.as_str()));
    assert_eq!(state["request"], request["jti"]);
    state
}

/// Sends a signed request. The request is accepted only with a message that this endpoint allows, and with a lifetime
/// of at most 120 seconds. If the request's times do not fit the service's clock, the status in the response is
/// `clock_skew`.
pub(crate) fn request(input: &[u8]) -> bool {
    scene::with(|scene| {
        let Some(jws) = scene.device.message(input) else { return false };
        let endpoint = ["prompts", "answers", "device"]
            .into_iter()
            .find(|name| claimed(&jws).is_some_and(|claims| claims["aud"] == format!("{ISSUER}/phone/{name}")))
            .unwrap_or("prompts");
        let request = Request::post(format!("/phone/{endpoint}")).body(jws.clone().into()).unwrap();
        let Some(answer) = scene.send(request) else {
            // Only a `fetch` may wait.
            assert_eq!((endpoint, &claimed(&jws).unwrap()["message"]), ("prompts", &json!("fetch")));
            return true;
        };
        if answer.status != 200 {
            is_problem(&answer);
            return false;
        }
        let said = opened(&jws, "phone-request+jwt", "kid", &scene.device.point);
        assert_eq!(text(&said.header, "kid"), scene.device_id);
        let claims = said.payload;
        assert_eq!(text(&claims, "aud"), format!("{ISSUER}/phone/{endpoint}"));
        is_id(text(&claims, "jti"));
        let time = |name: &str| claims[name].as_i64().expect("accepted without a time");
        let life = time("exp").checked_sub(time("iat")).expect("accepted a lifetime that overflows");
        assert!((0..=120).contains(&life), "accepted a lifetime of {life} seconds");
        let allowed: &[&str] = match endpoint {
            "prompts" => &["fetch"],
            "answers" => &["answer", "report"],
            _ => &["unblock", "abandon", "unenroll", "turn_on", "turn_off", "push_address", "test_push", "ack"],
        };
        if one_of(&claims, "message", allowed) == "fetch" {
            has_features(&claims);
        }
        let state = state_of(scene, &answer, &claims);
        let now = i64::try_from(NOW).unwrap();
        let in_time = time("iat").abs_diff(now) <= 60 && time("exp") > now;
        assert_eq!(
            text(&state, "status") == "clock_skew",
            !in_time,
            "`clock_skew` must be the status exactly when the times do not fit"
        );
        true
    })
}

pub(crate) fn request_seeds() -> Vec<Vec<u8>> {
    [vectors::messages("phone-request.json"), vectors::messages_in("features.json", "fetch")].concat()
}

/// Returns the payload of a message, unverified.
fn claimed(jws: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jws.split('.').nth(1)?).ok()?).ok()
}

/// Sends a `phone-answer+jwt` inside a valid `phone-request+jwt`.
pub(crate) fn answer(input: &[u8]) -> bool {
    scene::with(|scene| {
        let Some(inner) = scene.device.message(input) else { return false };
        let claims = json!({
            "aud": format!("{ISSUER}/phone/answers"), "iat": NOW, "exp": NOW + 60, "jti": COOKIE,
            "message": "answer", "answer": inner, "received_by": "push",
        });
        let header = json!({ "alg": "ES256", "typ": "phone-request+jwt", "kid": scene.device_id });
        let outer = scene.device.sign(header.to_string().as_bytes(), claims.to_string().as_bytes());
        let answer = scene.post("/phone/answers", outer);
        if answer.status != 200 {
            is_problem(&answer);
            return false;
        }
        let state = state_of(scene, &answer, &claims);
        let result = state["outcome"]["result"].as_str().unwrap_or_default();
        if !matches!(result, "approved" | "denied" | "wrong_number") {
            return false;
        }
        let said = opened(&inner, "phone-answer+jwt", "kid", &scene.device.point);
        assert_eq!(text(&said.header, "kid"), scene.device.thumbprint);
        for name in ["prompt", "prompt_sha256"] {
            assert_eq!(said.payload[name], ANSWERED[name], "accepted for another prompt");
        }
        assert_eq!((text(&said.payload, "aud"), text(&said.payload, "uv")), (ISSUER, "none"));
        let number = said.payload["number"].as_str();
        match one_of(&said.payload, "decision", &["approve", "deny"]) {
            "approve" => assert_eq!(result == "approved", number == Some("47"), "{result} with {number:?}"),
            _ => assert_eq!((result, number), ("denied", None)),
        }
        true
    })
}

/// Sends a bind that the device key signs. The bind is accepted only with the MAC of the code, and with a valid
/// description of the phone.
pub(crate) fn enrollment(input: &[u8]) -> bool {
    scene::with(|scene| {
        let input = proven(scene, input).unwrap_or_else(|| input.to_vec());
        let Some(jws) = scene.device.message(&input) else { return false };
        let answer = scene.post("/phone/enrollment", jws.clone());
        if answer.status != 200 {
            is_problem(&answer);
            return false;
        }
        assert!(!answer.header("countersign-mac").is_empty(), "responded without a MAC");
        let again = scene.post("/phone/enrollment", jws.clone());
        assert_eq!((again.status, &again.body), (200, &answer.body), "repeating the bind gave another response");
        let said = opened(&jws, "phone-enrollment+jwt", "jwk", &scene.device.point);
        assert_eq!(said.header["jwk"], scene.device.jwk, "accepted a key that did not sign");
        let claims = said.payload;
        assert_eq!((text(&claims, "aud"), number(&claims, "v")), (format!("{ISSUER}/phone/enrollment").as_str(), 1));
        is_id(text(&claims, "jti"));
        let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        let now = i64::try_from(NOW).unwrap();
        assert!(
            iat <= now + 60 && exp > now && (0..=120).contains(&(exp - iat)),
            "accepted a bind that is valid from {iat} to {exp}"
        );
        ["name", "model", "os", "app_version"].iter().for_each(|name| is_shown(text(&claims["device"], name)));
        let push = &claims["push"];
        assert!(text(push, "endpoint").starts_with("https://") && text(push, "endpoint").len() <= 1_024);
        assert!(Url::parse(text(push, "endpoint")).is_ok(), "accepted a push endpoint that is not a URL: {push}");
        assert_eq!((canonical(text(push, "p256dh")).len(), canonical(text(push, "auth")).len()), (65, 16));
        assert_eq!(claims["attestation"]["format"], "none");
        assert!(claims["token"].is_null() && !claims["mac"].is_null());
        has_features(&claims);
        true
    })
}

/// Replaces the placeholder by the right MAC. Returns `None` when the input has no placeholder, or no valid payload.
fn proven(scene: &Scene, input: &[u8]) -> Option<Vec<u8>> {
    let whole = std::str::from_utf8(input).ok().filter(|text| text.contains(MAC))?;
    let claims: Value = serde_json::from_str(whole.split_once('\n')?.1).ok()?;
    let key = &scene.enrollment["key"];
    let thumbprint = URL_SAFE_NO_PAD.decode(&scene.device.thumbprint).unwrap();
    let push = ["p256dh", "auth"].map(|name| URL_SAFE_NO_PAD.decode(claims["push"][name].as_str()?).ok());
    let [Some(point), Some(auth)] = push else { return None };
    let fields = [b"bind", ISSUER.as_bytes(), claims["enrollment"].as_str()?.as_bytes(), &thumbprint, &point, &auth];
    let mut bytes = Vec::new();
    for field in fields {
        bytes.extend(u16::try_from(field.len()).ok()?.to_be_bytes());
        bytes.extend(field);
    }
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &vectors::bytes(key)), &bytes);
    Some(whole.replace(MAC, &format!("\"mac\":\"{}\"", URL_SAFE_NO_PAD.encode(mac))).into_bytes())
}

pub(crate) fn enrollment_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vectors::messages("phone-enrollment.json");
    seeds.extend(vectors::messages_in("features.json", "bind"));
    let right = text(&claimed(text(&vectors::cases("phone-enrollment.json")[0], "jws")).unwrap(), "mac").to_owned();
    let open = format!("\"mac\":\"{right}\"");
    seeds.iter().map(|seed| String::from_utf8_lossy(seed).replace(&open, MAC).into_bytes()).collect()
}

/// Reads the proof of a new sign-in key. The target calls the service's parser and rules directly, without an HTTP
/// request.
pub(crate) fn sign_in_key(input: &[u8]) -> bool {
    let Some(jws) = SIGN_IN.message(input) else { return false };
    let read = Unverified::by_jwk(&jws, "phone-sign-in-key+jwt").and_then(|jws| jws.verify_own::<KeyProof>());
    let Ok((key, proof)) = read else { return false };
    let point = key.point().expect("accepted a key off the curve");
    let said = opened(&jws, "phone-sign-in-key+jwt", "jwk", &point);
    let member = |name: &str| text(&REGISTERED, name).to_owned();
    let now = i64::try_from(NOW).unwrap();
    let device = scene::with(|scene| {
        let mut device = scene.device();
        (device.id, device.account_id) = (member("device"), member("account_id"));
        device
    });
    let token = RegistrationToken {
        id: "token".to_owned(),
        device_id: device.id.clone(),
        account_id: device.account_id.clone(),
        nonce: hashed(member("nonce").as_bytes()),
        nonce_expires_at: now + 300,
        expires_at: now + 600,
        spent_by: None,
        given: countersign_service::provenance::Given::by_operator(now),
    };
    let asked = TurnOn {
        issuer: ISSUER,
        device: &device,
        token: &token,
        proof: &proof,
        fingerprint: "fingerprint",
        key_used: false,
        key_is_on: false,
        allowed: true,
    };
    if turn_on(&asked, now) != TurnedOn::Done {
        return false;
    }
    for (name, value) in [("aud", "issuer"), ("sub", "account_id"), ("device", "device"), ("nonce", "nonce")] {
        assert_eq!(text(&said.payload, name), member(value), "accepted with another {name}");
    }
    assert_eq!(text(&said.payload, "device_key"), member("device_key"));
    assert_eq!((text(&said.payload, "purpose"), &said.payload["attestation"]["format"]), ("turn_on", &json!("none")));
    one_of(&said.payload, "uv", &["biometric", "credential", "unspecified"]);
    true
}

/// Sends a pushed authorization request (RFC 9126). The input is a form, a line feed, and the DPoP proof of the device
/// key.
pub(crate) fn pushed(input: &[u8]) -> bool {
    let Some((form, proof)) = input.split_once_line() else { return false };
    scene::with(|scene| {
        let Some(proof) = scene.device.message(proof) else { return false };
        let request = Request::post("/par").header("dpop", proof.clone()).body(Body::from(form.to_vec()));
        // Some proofs are not valid header values and can't be sent.
        let Ok(request) = request else { return false };
        let answer = scene.answered(request);
        if answer.status != 201 {
            one_of(
                &answer.json(),
                "error",
                &[
                    "invalid_client",
                    "invalid_redirect_uri",
                    "unsupported_response_type",
                    "invalid_request",
                    "invalid_scope",
                    "invalid_dpop_proof",
                ],
            );
            return false;
        }
        let said = opened(&proof, "dpop+jwt", "jwk", &scene.device.point);
        let claims = &said.payload;
        assert_eq!((text(claims, "htm"), text(claims, "htu")), ("POST", format!("{ISSUER}/par").as_str()));
        is_id(text(claims, "jti"));
        assert!(claims["iat"].as_i64().unwrap().abs_diff(i64::try_from(NOW).unwrap()) <= 60);
        is_form(form, &scene.device.thumbprint);
        let again = Request::post("/par").header("dpop", proof).body(Body::from(form.to_vec())).unwrap();
        assert_eq!(scene.answered(again).status, 400, "accepted a proof twice");
        true
    })
}

fn is_form(form: &[u8], thumbprint: &str) {
    let fields: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
    let names: BTreeSet<&String> = fields.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), fields.len(), "accepted a duplicate field");
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let fixed = ["client_id", "response_type", "code_challenge_method", "prompt", "dpop_jkt"].map(field);
    assert_eq!(fixed, ["countersign-phone", "code", "S256", "login", thumbprint]);
    assert_eq!(canonical(field("code_challenge")).len(), 32);
    assert!((22..=128).contains(&field("state").len()));
    let back = field("redirect_uri");
    let port = back.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/phone-sign-in"));
    let loopback = port.is_some_and(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port));
    assert!(back == APP || loopback, "accepted the redirect URI {back}");
    match field("scope") {
        "device_registration" => {}
        "enrollment" => {
            ["device_name", "device_model"].map(field).iter().for_each(|text| is_shown(text));
            assert!(field("digits").len() == 6 && field("digits").bytes().all(|byte| byte.is_ascii_digit()));
        }
        other => panic!("accepted the scope {other}"),
    }
}

pub(crate) fn pushed_seeds() -> Vec<Vec<u8>> {
    let thumbprint = TestKey::named("device").thumbprint;
    let usual = format!(
        "client_id=countersign-phone&response_type=code&state=AAAAAAAAAAAAAAAAAAAAAAAA&code_challenge_method=S256&\
         code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&prompt=login&dpop_jkt={thumbprint}"
    );
    let on = format!("{usual}&scope=device_registration&redirect_uri=https%3A%2F%2Fapp.test%2Fphone-sign-in");
    let add = format!(
        "{usual}&scope=enrollment&redirect_uri=http%3A%2F%2F127.0.0.1%3A40000%2Fphone-sign-in&digits=123456&\
         device_name=Ada%27s+phone&device_model=Pixel+9"
    );
    let hidden = add.replace("Pixel", "%E2%80%AEPixel");
    let proofs = vectors::messages("dpop.json");
    let proofs = proofs.iter().map(|proof| String::from_utf8_lossy(proof).replace("example/token", "example/par"));
    let first = format!("{hidden}\n{}", proofs.clone().next().unwrap_or_default());
    let both = proofs.flat_map(|proof| [format!("{on}\n{proof}"), format!("{add}\n{proof}")]);
    both.chain([first]).map(String::into_bytes).collect()
}
