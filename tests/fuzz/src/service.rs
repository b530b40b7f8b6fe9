//! What phones, browsers, applications and administrators send to the reference service.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_service::agent::Agent;
use countersign_service::jose::Unverified;
use countersign_service::phone_sign_in::records::RegistrationToken;
use countersign_service::phone_sign_in::rules::{KeyProof, TurnOn, TurnedOn, turn_on};
use countersign_service::secrets::{crockford_read, hashed};
use ring::hmac;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::scene::{self, APP, Answer, COOKIE, RETURN, Scene};
use crate::sign::TestKey;
use crate::signed::Lines;
use crate::strict::{canonical, is_id, is_shown, names_stand_once, number, one_of, opened, text};
use crate::vectors::{self, ISSUER, NOW};

static ANSWERED: LazyLock<Value> = LazyLock::new(|| vectors::file("phone-answer.json")["expected"].clone());
static REGISTERED: LazyLock<Value> = LazyLock::new(|| vectors::file("phone-sign-in-key.json")["expected"].clone());
static SIGN_IN: LazyLock<TestKey> = LazyLock::new(|| TestKey::named("sign_in"));

/// What stands for the right MAC in a payload.
const MAC: &str = "\"mac\":\"MAC\"";

/// A refusal: one of the protocol's problems, and no more.
fn is_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let kind = text(&answer.json(), "type").to_owned();
    assert!(kind.starts_with("https://countersign.dev/problems/"), "{kind}");
}

/// The signed state that answers a request of the device.
fn state_of(scene: &Scene, answer: &Answer, request: &Value) -> Value {
    let jws = std::str::from_utf8(&answer.body).unwrap();
    let key = scene.app.keys.phone().public();
    let state = opened(jws, "phone-state+jwt", "kid", &key.point().unwrap()).payload;
    assert_eq!((text(&state, "iss"), text(&state, "aud")), (ISSUER, scene.device_id.as_str()));
    assert_eq!(state["request"], request["jti"]);
    state
}

/// A signed request: of a closed list, for this endpoint, of now, or nothing is done.
pub(crate) fn request(input: &[u8]) -> bool {
    scene::with(|scene| {
        let Some(jws) = scene.device.message(input) else { return false };
        let endpoint = ["prompts", "answers", "device"]
            .into_iter()
            .find(|name| claimed(&jws).is_some_and(|claims| claims["aud"] == format!("{ISSUER}/phone/{name}")))
            .unwrap_or("prompts");
        let Some(answer) = scene.post(&format!("/phone/{endpoint}"), jws.clone()) else {
            // Only a fetch may wait.
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
        let life = time("exp").checked_sub(time("iat")).expect("accepted a life without end");
        assert!((0..=120).contains(&life), "accepted a life of {life}");
        let allowed: &[&str] = match endpoint {
            "prompts" => &["fetch"],
            "answers" => &["answer", "report"],
            _ => &["unblock", "abandon", "unenroll", "turn_on", "turn_off", "push_address", "test_push", "ack"],
        };
        one_of(&claims, "message", allowed);
        let state = state_of(scene, &answer, &claims);
        let now = i64::try_from(NOW).unwrap();
        let in_time = time("iat").abs_diff(now) <= 60 && time("exp") > now;
        assert_eq!(text(&state, "status") == "clock_skew", !in_time, "another idea of time");
        true
    })
}

/// What a message claims, before anybody believes it.
fn claimed(jws: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jws.split('.').nth(1)?).ok()?).ok()
}

/// An inner answer, in an outer request that is always right.
pub(crate) fn answer(input: &[u8]) -> bool {
    scene::with(|scene| {
        let Some(inner) = scene.device.message(input) else { return false };
        let claims = json!({
            "aud": format!("{ISSUER}/phone/answers"), "iat": NOW, "exp": NOW + 60, "jti": COOKIE,
            "message": "answer", "answer": inner, "received_by": "push",
        });
        let header = json!({ "alg": "ES256", "typ": "phone-request+jwt", "kid": scene.device_id });
        let outer = scene.device.sign(header.to_string().as_bytes(), claims.to_string().as_bytes());
        let Some(answer) = scene.post("/phone/answers", outer) else { panic!("an answer waits") };
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
            assert_eq!(said.payload[name], ANSWERED[name], "counts for another prompt");
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

/// A bind: who the phone says it is, in its own signature, with the proof of the code.
pub(crate) fn enrollment(input: &[u8]) -> bool {
    scene::with(|scene| {
        let input = proven(scene, input).unwrap_or_else(|| input.to_vec());
        let Some(jws) = scene.device.message(&input) else { return false };
        let Some(answer) = scene.post("/phone/enrollment", jws.clone()) else { panic!("a bind waits") };
        if answer.status != 200 {
            is_problem(&answer);
            return false;
        }
        assert!(!answer.header("countersign-mac").is_empty(), "an answer that nothing vouches for");
        let again = scene.post("/phone/enrollment", jws.clone()).unwrap();
        assert_eq!((again.status, &again.body), (200, &answer.body), "the same phone is another device");
        let said = opened(&jws, "phone-enrollment+jwt", "jwk", &scene.device.point);
        assert_eq!(said.header["jwk"], scene.device.jwk, "another key than the one that signed");
        let claims = said.payload;
        assert_eq!((text(&claims, "aud"), number(&claims, "v")), (format!("{ISSUER}/phone/enrollment").as_str(), 1));
        is_id(text(&claims, "jti"));
        let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        let now = i64::try_from(NOW).unwrap();
        assert!(iat <= now + 60 && exp > now && (0..=120).contains(&(exp - iat)), "accepted at {iat} to {exp}");
        ["name", "model", "os", "app_version"].iter().for_each(|name| is_shown(text(&claims["device"], name)));
        let push = &claims["push"];
        assert!(text(push, "endpoint").starts_with("https://") && text(push, "endpoint").len() <= 1_024);
        assert!(Url::parse(text(push, "endpoint")).is_ok(), "pushes go to no address: {push}");
        assert_eq!((canonical(text(push, "p256dh")).len(), canonical(text(push, "auth")).len()), (65, 16));
        assert_eq!(claims["attestation"]["format"], "none");
        assert!(claims["token"].is_null() && !claims["mac"].is_null());
        true
    })
}

/// The right MAC in the place that is left for it.
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
    let seeds = vectors::messages("phone-enrollment.json");
    let right = text(&claimed(text(&vectors::cases("phone-enrollment.json")[0], "jws")).unwrap(), "mac").to_owned();
    let open = format!("\"mac\":\"{right}\"");
    seeds.iter().map(|seed| String::from_utf8_lossy(seed).replace(&open, MAC).into_bytes()).collect()
}

/// The proof of a new sign-in key, judged by the rules.
pub(crate) fn sign_in_key(input: &[u8]) -> bool {
    let Some(jws) = SIGN_IN.message(input) else { return false };
    let read = Unverified::by_jwk(&jws, "phone-sign-in-key+jwt").and_then(|jws| jws.verify_own::<KeyProof>());
    let Ok((key, proof)) = read else { return false };
    let point = key.point().expect("a key off the curve");
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
        assert_eq!(text(&said.payload, name), member(value), "counts with another {name}");
    }
    assert_eq!(text(&said.payload, "device_key"), member("device_key"));
    assert_eq!((text(&said.payload, "purpose"), &said.payload["attestation"]["format"]), ("turn_on", &json!("none")));
    one_of(&said.payload, "uv", &["biometric", "credential", "unspecified"]);
    true
}

/// A pushed request: a form, a line feed, and the proof by the device key.
pub(crate) fn pushed(input: &[u8]) -> bool {
    let Some((form, proof)) = input.split_once_line() else { return false };
    scene::with(|scene| {
        let Some(proof) = scene.device.message(proof) else { return false };
        let request = Request::post("/par").header("dpop", proof.clone()).body(Body::from(form.to_vec()));
        // What is no header value reaches no service.
        let Ok(request) = request else { return false };
        let Some(answer) = scene.send(request) else { panic!("a pushed request waits") };
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
        assert_eq!(scene.send(again).unwrap().status, 400, "a proof counts twice");
        true
    })
}

fn is_form(form: &[u8], thumbprint: &str) {
    let fields: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
    let names: BTreeSet<&String> = fields.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), fields.len(), "a field stands twice");
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let fixed = ["client_id", "response_type", "code_challenge_method", "prompt", "dpop_jkt"].map(field);
    assert_eq!(fixed, ["countersign-phone", "code", "S256", "login", thumbprint]);
    assert_eq!(canonical(field("code_challenge")).len(), 32);
    assert!((22..=128).contains(&field("state").len()));
    let back = field("redirect_uri");
    let port = back.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/phone-sign-in"));
    let loopback = port.is_some_and(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port));
    assert!(back == APP || loopback, "the browser goes back to {back}");
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

/// A change of the policy: taken whole or not at all, and what it says is what holds.
pub(crate) fn policy(input: &[u8]) -> bool {
    scene::with(|scene| {
        let send = |method: &str, body: Vec<u8>| {
            let request = Request::builder().method(method).uri("/api/policy");
            let request = request.header(header::AUTHORIZATION, format!("Bearer {COOKIE}"));
            scene.send(request.body(Body::from(body)).unwrap()).unwrap()
        };
        let before = send("GET", Vec::new()).json();
        let changed = send("PATCH", input.to_vec());
        let after = send("GET", Vec::new()).json();
        if changed.status != 200 {
            assert!(matches!(changed.status, 400 | 413), "status {}", changed.status);
            assert_eq!(before, after, "a refused change holds");
            return false;
        }
        names_stand_once(input);
        assert_eq!(changed.json(), after);
        for list in ["includeTargets", "excludeTargets"] {
            assert!(after[list].as_array().unwrap().len() <= 200);
        }
        assert_ne!(after["countersign"]["accountsOnPhone"], 0);
        let again = send("PATCH", after.to_string().into_bytes());
        assert_eq!((again.status, again.json()), (200, after), "what holds can't be said again");
        true
    })
}

pub(crate) fn policy_seeds() -> Vec<Vec<u8>> {
    let everybody = json!({ "targetType": "group", "id": "all_users" });
    let feature = json!({ "state": "enabled", "includeTarget": everybody });
    let usual = countersign_service::policy::document::Policy::usual().to_json().unwrap();
    let target = json!({ "targetType": "user", "id": "x", "authenticationMode": "push" });
    let changes = [
        usual,
        json!({ "state": "disabled", "includeTargets": [target] }),
        json!({ "excludeTargets": [everybody], "featureSettings": { "numberMatchingRequiredState": feature } }),
        json!({ "countersign": { "proximity": "require", "accountsOnPhone": 3, "keyGuard": "biometric_current_set" } }),
        json!({ "countersign": { "accountsOnPhone": 0 }, "another": 1 }),
    ];
    let doubled = br#"{"state":"enabled","st\u0061te":"disabled"}"#.to_vec();
    changes.iter().map(|change| change.to_string().into_bytes()).chain([doubled]).collect()
}

/// Any page: `METHOD path`, a line with the agent string, and a form; sent by an administrator's own browser, so that
/// nothing is turned away at the door. The service never fails, sends nobody elsewhere, and every page is guarded.
pub(crate) fn page(input: &[u8]) -> bool {
    let Some((first, rest)) = input.split_once_line() else { return false };
    let (agent, form) = rest.split_once_line().unwrap_or((rest, b""));
    let Some((method, path)) = std::str::from_utf8(first).ok().and_then(|line| line.split_once(' ')) else {
        return false;
    };
    scene::with(|scene| {
        let form = [form, b"&csrf=", scene.csrf().as_bytes()].concat();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::USER_AGENT, agent)
            .header(header::COOKIE, format!("__Host-session={COOKIE}"))
            .header(header::ORIGIN, ISSUER)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let Ok(request) = request.body(Body::from(form)) else { return false };
        let Some(answer) = scene.send(request) else { return false };
        let to = answer.header("location");
        let stays = to.starts_with('/') && !to.starts_with("//") && !to.contains('\\');
        assert!(to.is_empty() || stays || to.split('?').next() == Some(RETURN), "sends to {to}");
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let guarded = ["__Host-", "Secure", "HttpOnly", "Path=/"].iter().all(|word| cookie.contains(word));
            assert!(guarded && !cookie.contains("Domain"), "{cookie}");
        }
        if answer.header("content-type").starts_with("text/html") {
            let policy = answer.header("content-security-policy");
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
            let html = String::from_utf8(answer.body.clone()).expect("a page that is not UTF-8");
            assert!(!html.contains("<x>"), "what was typed stands in the page as it was typed");
        }
        scene.names().iter().for_each(|name| is_shown(name));
        (200..400).contains(&answer.status)
    })
}

pub(crate) fn page_seeds() -> Vec<Vec<u8>> {
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let authorize = format!(
        "GET /authorize?client_id=web&redirect_uri=https%3A%2F%2Fweb.example%2Fcallback&response_type=code&\
         scope=openid&state=x&code_challenge={challenge}&code_challenge_method=S256&max_age=3600&prompt=login"
    );
    let lines = [
        "GET /\n",
        "GET /sign-in?login_hint=%3Cx%3E\n",
        "POST /sign-in\nuser_name=%3Cx%3E",
        "GET /security-info\n",
        "POST /security-info/add\n",
        "POST /security-info/add/start\n",
        "POST /security-info/remove\ndevice=%3Cx%3E",
        "POST /security-info/lost\ndevice=x",
        "GET /admin\n",
        "POST /admin/people\nuser_name=%3Cx%3E&name=%E2%80%AEx",
        "GET /admin/person?account=%3Cx%3E\n",
        "POST /admin/groups\nname=%3Cx%3E",
        "GET /admin/groups\n",
        "POST /admin/policy\npolicy=%7B%22state%22%3A%22enabled%22%7D",
        "GET /admin/policy\n",
        "GET /sign-in/number\n",
        "GET /register-phone?request_uri=x&client_id=countersign-phone\n",
        "POST /sign-out\n",
        "GET /jwks\n",
        "POST /token\ngrant_type=authorization_code&code=x&client_id=web&client_secret=web-secret",
        "GET /.well-known/openid-configuration\n",
        "GET /api/people/%3Cx%3E/policy\n",
        "GET /userinfo\n",
    ];
    let whole = |line: &str| {
        let (first, form) = line.split_once('\n').unwrap_or((line, ""));
        format!("{first}\n{agent}\n{form}").into_bytes()
    };
    lines.into_iter().chain([authorize.as_str()]).map(whole).collect()
}

/// What people and browsers type of their own: passes, codes, agent strings.
pub(crate) fn typed_texts(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let agent = Agent::read(text);
    for shown in [&agent.browser, &agent.os] {
        assert!(
            (1..=40).contains(&shown.len()) && shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{shown:?}"
        );
    }
    let Some(read) = crockford_read(text) else { return false };
    assert!(read.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte)), "{read}");
    assert_eq!(crockford_read(&read).as_ref(), Some(&read));
    true
}

pub(crate) fn typed_texts_seeds() -> Vec<Vec<u8>> {
    [
        "7K2M-9QXV-4R8T",
        "o1lI abcd wxyz",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
        "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1; U; en) Presto/2.12 Version/12.16",
        "DoCoMo/2.0 P900i(c100;TB;W24H11)",
        "",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
