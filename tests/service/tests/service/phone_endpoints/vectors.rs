//! Tests the service with the messages in `tests/vectors`. Stock libraries made these messages, not code of this
//! project.

use std::path::PathBuf;

use countersign_service::devices::device::{Claimed, Device, State, Subscription};
use countersign_service::enrollment::acts as enrollment;
use countersign_service::enrollment::proofs::{Key, typed_key};
use countersign_service::enrollment::state::{Code, Enrollment};
use countersign_service::jose::{Jwk, SigningKey, Unverified};
use countersign_service::keys;
use countersign_service::phone_sign_in::records::PhoneToken;
use countersign_service::phone_sign_in::registration::RegistrationToken;
use countersign_service::phone_sign_in::rules::{KeyProof, Proof, TurnOn, TurnedOn, proves, turn_on};
use countersign_service::prompts::ceremony::{AnsweringKey, Ceremony, Kind, Match, Origin, Owner};
use countersign_service::prompts::records::Prompt;
use countersign_service::provenance::Given;
use countersign_service::secrets::{decode, encode, hashed};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use web_push_native::{Auth, decrypt, p256};
use zeroize::Zeroizing;

use super::phone::{PUSH_AUTH, Phone};
use super::push::{Receiver, opened};
use super::service::{Answer, Service};

/// The verdicts for errors in JOSE. The service finds these errors before it reads the payload.
const OF_JOSE: [&str; 9] =
    ["algorithm", "base64", "duplicate", "header", "parts", "signature", "too_large", "type", "unknown_key"];

/// Reads a file of the vectors and checks its SHA-256.
fn file(name: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let sum: String = digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    assert!(sums.lines().any(|line| line == format!("{sum}  {name}")), "{name} differs from SHA256SUMS");
    serde_json::from_slice(&bytes).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    decode(text(value)).unwrap()
}

fn cases(file: &Value) -> &Vec<Value> {
    file["cases"].as_array().unwrap()
}

fn jwk(name: &str) -> Jwk {
    let mut jwk = file("keys.json")[name]["jwk"].clone();
    jwk.as_object_mut().unwrap().remove("d");
    serde_json::from_value(jwk).unwrap()
}

/// A service with the device of the vectors, and with an open ceremony for the prompt of the vectors.
struct Scene {
    service: Service,
    device_id: String,
    prompt: Value,
}

impl Scene {
    async fn start() -> Self {
        let expected = file("phone-request.json")["expected"].clone();
        let service = Service::called(text(&expected["issuer"]), Vec::new(), String::new()).await;
        assert_eq!(service.now(), file("phone-request.json")["now"].as_i64().unwrap());
        Self {
            service,
            device_id: text(&expected["kid"]).to_owned(),
            prompt: cases(&file("phone-prompt.json"))[0].clone(),
        }
    }

    /// Restores the device and the open ceremony.
    fn reset(&self) {
        let text = |text: &str| text.to_owned();
        let (now, account) = (self.service.now(), self.service.account.clone());
        let (claimed, push) = described();
        let mut device = Device::pending(
            self.device_id.clone(),
            account.clone(),
            jwk("device"),
            claimed,
            push,
            Given::unrecorded(now),
            now,
        );
        device.state = State::Active;
        let claims: Value = serde_json::from_str(self.prompt["payload"].as_str().unwrap()).unwrap();
        let ceremony = Ceremony {
            id: text("ceremony"),
            account_id: account,
            owner: Owner::Attempt(text("attempt")),
            known_browser: None,
            kind: Kind::SecondFactor,
            origin: Origin::PasswordProved,
            number: text("47"),
            r#match: Match::Enter { digits: 2 },
            network: text("192.0.2.0/24"),
            quiet: false,
            created_at: now,
            expires_at: now + 60,
            outcome: None,
            decided_at: None,
            decided_by: None,
            redeemed: false,
            change: None,
            standing: Vec::new(),
            added: None,
        };
        let prompt = Prompt {
            jti: text(claims["jti"].as_str().unwrap()),
            ceremony: ceremony.id.clone(),
            device_id: device.id.clone(),
            jws: text(self.prompt["jws"].as_str().unwrap()),
            answered_with: AnsweringKey::Device,
            key: device.key.thumbprint(),
            created_at: now,
            answer: None,
        };
        let stored = self.service.app.store.global_blocking(move |tx| {
            tx.insert_or_update(&device, |stored| *stored = device.clone())?;
            tx.insert_or_update(&ceremony, |stored| *stored = ceremony.clone())?;
            tx.insert_or_update(&prompt, |stored| *stored = prompt.clone())
        });
        stored.unwrap();
    }

    /// Stores what a message of `features.json` needs: the enrollment of the code, or the token. Returns the endpoint.
    fn expect(&self, list: &str, expected: &Value) -> &'static str {
        if list == "fetch" {
            return "prompts";
        }
        let (app, now, given) = (&self.service.app, self.service.now(), self.service.may_add());
        let id = text(&expected["enrollment"]).to_owned();
        let key = app.sealer.seal(&format!("enrollment key {id}"), &bytes(&expected["key"])).unwrap();
        let new =
            enrollment::fresh(app, self.service.account.clone(), "wizard".to_owned(), given.clone(), now).unwrap();
        let enrollment = Enrollment { scanned: Code { id, key: Some(key), wrong_macs: 0 }, ..new };
        let token = PhoneToken {
            id: hashed(text(&expected["token"]).as_bytes()),
            account_id: self.service.account.clone(),
            jkt: jwk("device").thumbprint(),
            expires_at: now + 600,
            added: None,
            given,
            keys_document: 1,
        };
        let stored = app.store.global_blocking(|tx| {
            enrollment::start_in(tx, &enrollment, now)?;
            tx.insert(&token)
        });
        stored.unwrap();
        "enrollment"
    }

    /// Returns whether the signed state says that the request had its effect.
    fn is_done(&self, answer: &Answer) -> bool {
        if answer.status != 200 {
            return false;
        }
        let signed = Unverified::by_kid(&answer.body, "phone-state+jwt").unwrap();
        let state: Value = signed.verify(self.service.app.keys.phone(self.service.now()).public()).unwrap();
        state["status"] != "clock_skew" && state["outcome"]["result"] != "already_answered"
    }
}

#[tokio::test]
async fn request_vectors_get_their_verdicts() {
    let (scene, file) = (Scene::start().await, file("phone-request.json"));
    for case in cases(&file) {
        scene.reset();
        let endpoint = text(case.get("aud").unwrap_or(&file["expected"]["aud"])).rsplit('/').next().unwrap();
        let answer = scene.service.post(endpoint, text(&case["jws"]).to_owned()).await;
        assert_eq!(scene.is_done(&answer), case["verdict"] == "good", "{}: {}", case["name"], answer.body);
    }
}

#[tokio::test]
async fn answer_vectors_get_their_verdicts() {
    let (scene, file, keys) = (Scene::start().await, file("phone-answer.json"), file("keys.json"));
    let scalar = bytes(&keys["device"]["jwk"]["d"]).try_into().unwrap();
    let phone = Phone::with_scalar(scalar, scene.device_id.clone());
    let aud = "https://login.example/phone/answers";
    // An answer of 5,000 characters or more does not fit into a request, so the test omits it.
    for case in cases(&file).iter().filter(|case| text(&case["jws"]).len() < 5_000) {
        scene.reset();
        let message = json!({"message": "answer", "answer": case["jws"], "received_by": "push"});
        let mut claims = phone.claims(&scene.service, "answers", message);
        claims["aud"] = aud.into();
        let answer = scene.service.post("answers", phone.sign(&phone.header(), &claims)).await;
        assert_eq!(scene.is_done(&answer), case["verdict"] == "good", "{}: {}", case["name"], answer.body);
    }
}

#[test]
fn enrollment_vectors_get_their_verdicts() {
    let file = file("phone-enrollment.json");
    for case in cases(&file) {
        let read = Unverified::by_jwk(text(&case["jws"]), text(&file["typ"])).and_then(|jws| jws.verify_own::<Value>());
        let header_key = case["verdict"] == "point" && !text(&case["name"]).contains("push key");
        let refused = header_key || OF_JOSE.contains(&text(&case["verdict"]));
        assert!(read.is_err() || !refused, "{}", case["name"]);
        assert!(read.is_ok() || case["verdict"] != "good", "{}", case["name"]);
    }
}

/// Sends each bind and each fetch of `features.json` to the service, and compares the list that the service stores.
#[tokio::test]
async fn feature_vectors_get_their_verdicts() {
    let file = file("features.json");
    for list in ["bind", "bind_with_token", "fetch"] {
        for case in file[list].as_array().unwrap() {
            let scene = Scene::start().await;
            scene.reset();
            let endpoint = scene.expect(list, &file["expected"]);
            let answer = scene.service.post(endpoint, text(&case["jws"]).to_owned()).await;
            let name = format!("{list}, {}: {}", text(&case["name"]), answer.body);
            assert_eq!(answer.status == 200, case["verdict"] == "good", "{name}");
            if let Some(features) = case.get("features") {
                let id = if list == "fetch" { json!(scene.device_id) } else { answer.json()["device_id"].clone() };
                let device: Device = scene.service.app.store.global_blocking(|tx| tx.get(text(&id))).unwrap().unwrap();
                assert_eq!(json!(device.features), *features, "{name}");
            }
        }
    }
}

/// Verifies each proof of protocol section 10 with the key in the proof's header, then applies the rules.
#[test]
fn key_proof_and_dpop_vectors_get_their_verdicts() {
    for name in ["phone-sign-in-key.json", "dpop.json"] {
        let file = file(name);
        let expected = &file["expected"];
        let now = file["now"].as_i64().unwrap();
        for case in cases(&file) {
            let good = match Unverified::by_jwk(text(&case["jws"]), text(&file["typ"])) {
                Ok(jws) if name == "dpop.json" => jws
                    .verify_own::<Proof>()
                    .is_ok_and(|(key, proof)| key == jwk("device") && proves(&proof, text(&expected["htu"]), now)),
                Ok(jws) => jws.verify_own::<KeyProof>().is_ok_and(|(key, proof)| {
                    key == jwk("sign_in") && turned_on(&proof, expected, now) == TurnedOn::Done
                }),
                Err(_refused) => false,
            };
            assert_eq!(good, case["verdict"] == "good", "{name}: {}", case["name"]);
        }
    }
}

/// Applies the rules to a proof, with the device and the token that the vectors describe.
fn turned_on(proof: &KeyProof, expected: &Value, now: i64) -> TurnedOn {
    let member = |name: &str| text(&expected[name]).to_owned();
    let (claimed, push) = described();
    let mut device = Device::pending(
        member("device"),
        member("account_id"),
        jwk("device"),
        claimed,
        push,
        Given::unrecorded(now),
        now,
    );
    device.state = State::Active;
    let token = RegistrationToken {
        id: "token".to_owned(),
        device_id: member("device"),
        account_id: member("account_id"),
        nonce: hashed(text(&expected["nonce"]).as_bytes()),
        nonce_expires_at: now + 300,
        expires_at: now + 600,
        spent_by: None,
        given: Given::unrecorded(now),
    };
    let asked = TurnOn {
        issuer: text(&expected["issuer"]),
        device: &device,
        token: &token,
        proof,
        fingerprint: "fingerprint",
        key_used: false,
        key_is_on: false,
        allowed: true,
    };
    turn_on(&asked, now)
}

fn described() -> (Claimed, Subscription) {
    let text = |text: &str| text.to_owned();
    let claimed = Claimed { name: text("x"), model: text("x"), os: text("x"), app_version: text("x") };
    (claimed, Subscription { endpoint: text("https://127.0.0.1/x"), p256dh: text(""), auth: text("") })
}

/// The parser is as strict for messages of a service as for messages of a phone.
#[test]
fn service_messages_are_parsed_strictly() {
    for name in [
        "phone-prompt.json",
        "phone-prompt-administration.json",
        "prompt-withdrawn.json",
        "push-test.json",
        "phone-state.json",
        "phone-keys.json",
    ] {
        let file = file(name);
        for case in cases(&file) {
            let read = Unverified::by_kid(text(&case["jws"]), text(&file["typ"])).and_then(|jws| {
                let key = jwk("service");
                if jws.kid() == key.thumbprint() { jws.verify::<Value>(&key) } else { jws.verify(&jwk("device")) }
            });
            // A prompt has a lower size limit than a JWS.
            let fits = !name.starts_with("phone-prompt") || text(&case["jws"]).len() <= 2_700;
            // JOSE does not check keys inside a payload.
            let refused = OF_JOSE.contains(&text(&case["verdict"])) && !text(&case["name"]).ends_with("of x set");
            assert!(read.is_err() || !refused || !fits, "{name}: {}", case["name"]);
            assert!(read.is_ok() || case["verdict"] != "good", "{name}: {}", case["name"]);
        }
    }
}

fn proof_holds(key: &Key, proof: &str, fields: &Value, mac: &[u8]) -> bool {
    let issuer = || text(&fields["issuer"]);
    match proof {
        "look_up" => key.proves_look_up(issuer(), text(&fields["id"]), &bytes(&fields["nonce"]), mac),
        "look_up_answer" => {
            key.answer_mac("look-up-answer", &bytes(&fields["nonce"]), text(&fields["body"]).as_bytes()) == mac
        }
        "bind" => {
            let (thumbprint, point) = (bytes(&fields["thumbprint"]), bytes(&fields["push_point"]));
            key.proves_bind(issuer(), text(&fields["id"]), &thumbprint, &point, &bytes(&fields["push_secret"]), mac)
        }
        "bind_answer" => key.answer_mac("bind-answer", &bytes(&fields["jti"]), text(&fields["body"]).as_bytes()) == mac,
        "digits" => {
            let shown = key.digits(issuer(), &bytes(&fields["thumbprint"]), &bytes(&fields["push_point"]));
            let first = u64::from_be_bytes(mac[..8].try_into().unwrap());
            shown == format!("{:06}", first % 1_000_000)
        }
        other => panic!("the vectors contain an unknown proof: {other}"),
    }
}

#[test]
fn mac_vectors_are_verified() {
    let file = file("proofs.json");
    for enrollment in file["enrollments"].as_array().unwrap() {
        let key = Key::new(Zeroizing::new(bytes(&enrollment["key"])));
        for name in ["look_up", "look_up_answer", "bind", "bind_answer", "digits"] {
            let proof = &enrollment[name];
            assert!(proof_holds(&key, name, &proof["fields"], &bytes(&proof["mac"])), "{} {name}", enrollment["name"]);
        }
        if enrollment["name"] == "typed" {
            let (issuer, id, secret) = (&enrollment["issuer"], &enrollment["id"], &enrollment["secret"]);
            let made = typed_key(text(issuer), text(id), text(secret)).unwrap();
            assert_eq!(*made, bytes(&enrollment["key"]));
        }
    }
    // Digits depend only on the first eight bytes of the MAC, so a MAC altered after these bytes gives the same digits.
    let altered = |wrong: &&Value| wrong["proof"] != "digits" || !text(&wrong["name"]).contains("mac");
    for wrong in file["wrong"].as_array().unwrap().iter().filter(altered) {
        let key = Key::new(Zeroizing::new(bytes(&wrong["key"])));
        let holds = proof_holds(&key, text(&wrong["proof"]), &wrong["fields"], &bytes(&wrong["mac"]));
        assert!(!holds, "{}", wrong["name"]);
    }
    for thumbprint in file["thumbprints"].as_array().unwrap() {
        let jwk: Jwk = serde_json::from_value(thumbprint["jwk"].clone()).unwrap();
        assert_eq!(jwk.thumbprint(), text(&thumbprint["thumbprint"]));
        assert_eq!(jwk.point().unwrap(), bytes(&thumbprint["point"]));
    }
    let prompt = &file["prompt_sha256"];
    assert_eq!(hashed(text(&prompt["jws"]).as_bytes()), text(&prompt["sha256"]));
}

/// The library with which the service encrypts pushes decrypts the pushes of the vectors, which a different library
/// encrypted.
#[test]
fn push_vectors_are_decrypted() {
    let file = file("push.json");
    let key = p256::SecretKey::from_slice(&bytes(&file["push_key"]["private"])).unwrap();
    let auth = bytes(&file["push_key"]["auth"]);
    for case in cases(&file).iter().filter(|case| matches!(text(&case["verdict"]), "good" | "decryption")) {
        let plain = decrypt(bytes(&case["message"]), &key, Auth::from_slice(&auth));
        let expected = case.get("jws").map(|jws| format!("{:<2700}", text(jws)).into_bytes());
        assert_eq!(plain.ok(), expected, "{}", case["name"]);
    }
}

/// Writes a file with messages that the service signed, and pushes that the service encrypted. Stock libraries read the
/// file (`tests/interop`).
#[tokio::test]
async fn service_messages_are_written_for_stock_libraries() {
    let (mut receiver, service) = Receiver::start().await;
    let (first, second) = (service.added(receiver.phone(1)).await, service.added(receiver.phone(2)).await);
    let ceremony = service.ask("a").await;
    let pushed = [receiver.next().await, receiver.next().await];
    let prompt = first.prompt(&service).await;
    let state = first.send(&service, "prompts", Phone::fetch("ok", &[], 0)).await.body;
    first.approve(&service, &prompt, &ceremony.number).await;
    let withdrawn = receiver.next().await;
    first.state(&service, "device", json!({"message": "test_push"})).await;
    let test = receiver.next().await;
    let pushes: Vec<Value> = pushed
        .iter()
        .zip([&first, &second])
        .chain([(&withdrawn, &second), (&test, &first)])
        .map(|(push, phone)| {
            json!({"private": encode(&phone.push_scalar), "auth": encode(&PUSH_AUTH),
                   "message": encode(&push.body), "jws": opened(phone, push)})
        })
        .collect();
    let id_token = service.app.keys.id_token();
    let signed = id_token.sign("JWT", &json!({"iss": "https://login.example.com", "sub": "ada"})).unwrap();
    let phone_key = service.app.keys.phone(service.now());
    let phone_key = phone_key.as_ref();
    let (document, _) = service.app.store.global_blocking(|tx| keys::document(tx, 1)).unwrap();
    let message = |typ: &str, jws: &str, key: &SigningKey| {
        let payload: Value = serde_json::from_slice(&decode(jws.split('.').nth(1).unwrap()).unwrap()).unwrap();
        json!({"typ": typ, "jws": jws, "jwk": key.public(), "kid": key.kid(), "payload": payload})
    };
    let messages = [
        message("phone-prompt+jwt", &prompt, phone_key),
        message("phone-state+jwt", &state, phone_key),
        message("prompt-withdrawn+jwt", &opened(&second, &withdrawn), phone_key),
        message("push-test+jwt", &opened(&first, &test), phone_key),
        message("phone-keys+jwt", &document, phone_key),
        message("JWT", &signed, id_token),
    ];
    let left = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/interop");
    std::fs::create_dir_all(&left).unwrap();
    let text = json!({"messages": messages, "pushes": pushes}).to_string();
    std::fs::write(left.join("service.json"), text).unwrap();
}
