//! Checks the core against `tests/vectors`, which were made with stock libraries and without our code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::authenticator::network::http::Reply;
use crate::authenticator::speaking::clock_offset::{offset_between, offset_of_state};
use crate::authenticator::speaking::enrollment::read_look_up;
use crate::authenticator::speaking::exchange::{Addressee, read_state};
use crate::base::clock::Timestamp;
use crate::base::jose;
use crate::base::jose::{HeaderKey, Jwk, PublicKey, base64url};
use crate::inbox::{Inbox, InboxError};
use crate::protocol::features::Features;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::messages::{BindClaims, Message, PhoneTokenAnswer, TokenAnswer};
use crate::protocol::proofs::EnrollmentKey;
use crate::protocol::push_message::{PushKeys, strip_padding};
use crate::protocol::verify::{Audience, PushContent, verify_prompt, verify_push};
use crate::testing::OneWrappedKey;
use crate::values::issuer::Issuer;
use crate::values::platform::{KeyGuard, KeyStore};
use crate::values::prompt::PushEffect;

/// The verdicts for faults that the JOSE module itself finds. It does not know the members of a payload.
const OF_JOSE: [&str; 9] =
    ["algorithm", "base64", "duplicate", "header", "parts", "signature", "too_large", "type", "unknown_key"];

/// The lists of messages that a phone signs: file and list. From the payloads, the tests make the signing inputs again.
const SIGNED_BY_PHONE: [(&str, &str); 8] = [
    ("phone-request.json", "cases"),
    ("phone-answer.json", "cases"),
    ("phone-sign-in-answer.json", "cases"),
    ("phone-enrollment.json", "cases"),
    ("phone-sign-in-key.json", "cases"),
    ("features.json", "fetch"),
    ("features.json", "bind"),
    ("features.json", "bind_with_token"),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

/// Reads a file and checks its SHA-256.
fn file(name: &str) -> Value {
    let bytes = std::fs::read(folder().join(name)).unwrap();
    let sum: String = digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let sums = std::fs::read_to_string(folder().join("SHA256SUMS")).unwrap();
    assert!(sums.lines().any(|line| line == format!("{sum}  {name}")), "{name} does not have its listed SHA-256");
    serde_json::from_slice(&bytes).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    base64url::decode(text(value)).unwrap()
}

fn fixed<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

/// Checks that `accepts` agrees with the verdict of every case. Returns how many cases are good.
fn each_case(file: &Value, list: &str, accepts: impl Fn(&Value) -> bool) -> usize {
    let cases = file[list].as_array().unwrap();
    for case in cases {
        assert_eq!(accepts(case), case["verdict"] == "good", "{}", case["name"]);
    }
    cases.iter().filter(|case| case["verdict"] == "good").count()
}

fn service_keys(file: &Value) -> ServiceKeys {
    serde_json::from_value(file["service_keys"].clone()).unwrap()
}

fn now(file: &Value) -> Timestamp {
    Timestamp(file["now"].as_u64().unwrap())
}

fn audience(file: &Value) -> Audience {
    let expected = &file["expected"];
    Audience {
        account: crate::AccountId("account-1".to_owned()),
        issuer: Issuer::parse(text(&expected["issuer"])).unwrap(),
        device_id: text(&expected["device_id"]).to_owned(),
        account_id: text(&expected["account_id"]).to_owned(),
        user_name: "ada@example.org".to_owned(),
        service_keys: service_keys(file),
        clock_offset: 0,
    }
}

#[test]
fn every_vector_file_is_listed_and_readable() {
    let sums = std::fs::read_to_string(folder().join("SHA256SUMS")).unwrap();
    let listed: BTreeSet<&str> = sums.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name).collect();
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(listed, there.iter().map(String::as_str).collect());
    listed.into_iter().for_each(|name| assert!(!file(name).is_null()));
}

#[test]
fn prompt_vectors_have_their_verdicts() {
    let file = file("phone-prompt.json");
    let good =
        each_case(&file, "cases", |case| verify_prompt(text(&case["jws"]), &audience(&file), now(&file)).is_ok());
    assert_eq!(good, 23);
}

#[test]
fn administration_vectors_have_their_verdicts() {
    let file = file("phone-prompt-administration.json");
    let good =
        each_case(&file, "cases", |case| verify_prompt(text(&case["jws"]), &audience(&file), now(&file)).is_ok());
    assert_eq!(good, 37);
}

/// Checks every message that can have the member `features`. The core reads the messages of the service, and makes
/// those of the phone.
#[test]
fn feature_vectors_have_their_verdicts() {
    let file = file("features.json");
    let expected = &file["expected"];
    let (keys, issuer) = (service_keys(&file), Issuer::parse(text(&expected["issuer"])).unwrap());
    let addressee = Addressee { issuer: &issuer, device_id: text(&expected["device_id"]) };
    let key = EnrollmentKey::from_bytes(&bytes(&expected["key"])).unwrap();
    let payload = |case: &Value| bytes(&Value::from(text(&case["jws"]).split('.').nth(1).unwrap()));
    let read = |list: &str, case: &Value| -> Option<Features> {
        let body = case.get("body").map(|body| text(body).to_owned().into_bytes()).unwrap_or_default();
        let reply = Reply { mac: case.get("mac").map(|mac| text(mac).to_owned()), ..Reply::for_test(200, &body) };
        Some(match list {
            "state" => read_state(text(&case["jws"]), &keys, addressee, text(&expected["request"])).ok()?.features,
            "look_up_answer" => read_look_up(&reply, issuer.as_str(), &fixed(&expected["nonce"]), &key).ok()?.features,
            "token_answer" => jose::parse::<PhoneTokenAnswer>(&body).ok()?.features,
            "registration_token_answer" => jose::parse::<TokenAnswer>(&body).ok()?.features,
            "fetch" => match jose::parse::<Message>(&payload(case)).ok()? {
                Message::Fetch { features, .. } => features,
                other => panic!("not a fetch: {other:?}"),
            },
            _ => jose::parse::<BindClaims>(&payload(case)).ok()?.features,
        })
    };
    for list in
        ["state", "look_up_answer", "token_answer", "registration_token_answer", "fetch", "bind", "bind_with_token"]
    {
        let good = each_case(&file, list, |case| {
            let features = read(list, case);
            let names = features.as_ref().map(|features| serde_json::to_value(features).unwrap());
            assert_eq!(names.as_ref(), case.get("features"), "{list}: {}", case["name"]);
            features.is_some()
        });
        assert_eq!(good, 7, "{list}");
    }
}

#[test]
fn withdrawal_vectors_have_their_verdicts() {
    let file = file("prompt-withdrawn.json");
    let good = each_case(&file, "cases", |case| {
        matches!(verify_push(text(&case["jws"]), &audience(&file), now(&file)), Ok(PushContent::Withdrawn { .. }))
    });
    assert_eq!(good, 6);
}

#[test]
fn push_test_vectors_have_their_verdicts() {
    let file = file("push-test.json");
    let good = each_case(&file, "cases", |case| {
        matches!(verify_push(text(&case["jws"]), &audience(&file), now(&file)), Ok(PushContent::Test { .. }))
    });
    assert_eq!(good, 3);
}

#[test]
fn state_vectors_have_their_verdicts() {
    let file = file("phone-state.json");
    let expected = &file["expected"];
    let (keys, issuer) = (service_keys(&file), Issuer::parse(text(&expected["issuer"])).unwrap());
    let addressee = Addressee { issuer: &issuer, device_id: text(&expected["device_id"]) };
    let good = each_case(&file, "cases", |case| {
        read_state(text(&case["jws"]), &keys, addressee, text(&expected["request"])).is_ok()
    });
    assert_eq!(good, 34);
}

fn published(chain: &[Value]) -> Vec<u8> {
    serde_json::json!({ "chain": chain }).to_string().into_bytes()
}

#[test]
fn key_chain_vectors_have_their_verdicts() {
    let file = file("phone-keys.json");
    let issuer = Issuer::parse(text(&file["expected"]["issuer"])).unwrap();
    // The valid cases have `seq` 1. So that `seq` 1 is the next number, the stored keys of the phone get `seq` 0 here.
    let before: ServiceKeys =
        serde_json::from_value(serde_json::json!({ "seq": 0, "keys": file["service_keys"]["keys"] })).unwrap();
    let good = each_case(&file, "cases", |case| before.successor(text(&case["jws"]), &issuer).is_ok());
    assert_eq!(good, 5);
    let good = each_case(&file, "chains", |case| {
        let held: ServiceKeys = serde_json::from_value(case["held"].clone()).unwrap();
        let followed = held.follow(&published(case["chain"].as_array().unwrap()), &issuer);
        if let (Ok(keys), Some(result)) = (&followed, case.get("result")) {
            assert_eq!(&serde_json::to_value(keys).unwrap(), result, "{}", case["name"]);
        }
        followed.is_ok()
    });
    assert_eq!(good, 4);
}

/// Checks the first key document that a phone gets, and the key documents after it.
#[test]
fn first_key_vectors_have_their_verdicts() {
    let file = file("first-keys.json");
    let issuer = Issuer::parse(text(&file["issuer"])).unwrap();
    let good = each_case(&file, "cases", |case| {
        let pinned = ServiceKeys::pinned(text(&case["jws"]), &issuer);
        if let (Ok(keys), Some(result)) = (&pinned, case.get("result")) {
            assert_eq!(&serde_json::to_value(keys).unwrap(), result, "{}", case["name"]);
        }
        pinned.is_ok()
    });
    assert_eq!(good, 5);
    let good = each_case(&file, "chains", |case| {
        let first = ServiceKeys::pinned(text(&case["first"]), &issuer).unwrap();
        let followed = first.follow(&published(case["chain"].as_array().unwrap()), &issuer);
        if let (Ok(keys), Some(result)) = (&followed, case.get("result")) {
            assert_eq!(&serde_json::to_value(keys).unwrap(), result, "{}", case["name"]);
        }
        followed.is_ok()
    });
    assert_eq!(good, 2);
}

/// Checks how each source of the service's time sets a phone's clock offset.
#[test]
fn clock_vectors_give_their_offsets() {
    let number = |value: &Value| value.as_u64().unwrap();
    let good = each_case(&file("clock.json"), "cases", |case| {
        let (phone, service) = (number(&case["phone"]), number(&case["service"]));
        let offset = match text(&case["source"]) {
            "state" => {
                let new = offset_of_state(phone, service, number(&case["round_trip"]));
                Some(new.unwrap_or(case["held"].as_i64().unwrap()))
            }
            "look_up" | "refused_proof" | "token" => offset_between(phone, service),
            other => panic!("unknown source {other}"),
        };
        assert_eq!(offset, case.get("offset").map(|offset| offset.as_i64().unwrap()), "{}", case["name"]);
        offset.is_some()
    });
    assert_eq!(good, 21);
}

/// The core makes the device's messages and never reads them. Its JOSE module must still refuse the malformed ones.
#[test]
fn malformed_device_messages_are_refused_by_jose() {
    for name in ["phone-request.json", "phone-answer.json"] {
        let file = file(name);
        let (key, kid) = (fixed::<65>(&file["expected"]["device_point"]), text(&file["expected"]["kid"]));
        for case in file["cases"].as_array().unwrap() {
            let find = |named: &str| (named == kid).then(|| PublicKey::from_sec1(&key).unwrap());
            let read: Result<Value, _> = jose::verify(text(&case["jws"]), text(&file["typ"]), find);
            let refused = OF_JOSE.contains(&text(&case["verdict"]));
            assert!(read.is_err() || !refused, "accepted in {name}: {}", case["name"]);
            assert!(read.is_ok() || case["verdict"] != "good", "refused in {name}: {}", case["name"]);
        }
    }
}

/// For the same content, the core makes the same signing input as the stock libraries.
#[test]
fn signing_inputs_equal_those_of_stock_libraries() {
    let mut compared = 0;
    for (name, list) in SIGNED_BY_PHONE {
        let file = file(name);
        for case in file[list].as_array().unwrap().iter().filter(|case| case["verdict"] == "good") {
            let header: Value = serde_json::from_str(text(&case["header"])).unwrap();
            let payload = text(&case["payload"]);
            let typ = text(case.get("typ").unwrap_or(&file["typ"]));
            let Some(made) = serialized_again(typ, payload) else { continue };
            let jwk = header
                .get("jwk")
                .map(|jwk| PublicKey::from_jwk(&serde_json::from_value::<Jwk>(jwk.clone()).unwrap()).unwrap());
            let key = match &jwk {
                Some(key) => HeaderKey::Jwk(key),
                None => HeaderKey::Kid(text(&header["kid"])),
            };
            let input = jose::signing_input(typ, key, &made).unwrap();
            assert_eq!(input, text(&case["signing_input"]), "{name}: {}", case["name"]);
            compared += 1;
        }
    }
    assert!(compared >= 33, "compared only {compared} messages");
}

/// Reads a payload into the core's types and serializes it again. Returns `None` when the payload has a member that the
/// core does not know, because the result would not contain this member.
fn serialized_again(typ: &str, payload: &str) -> Option<Box<serde_json::value::RawValue>> {
    let again = match typ {
        "phone-request+jwt" => serde_json::to_string(
            &serde_json::from_str::<crate::authenticator::speaking::exchange::Claims>(payload).unwrap(),
        ),
        "phone-answer+jwt" => {
            serde_json::to_string(&serde_json::from_str::<crate::protocol::messages::InnerAnswer>(payload).unwrap())
        }
        "phone-sign-in-key+jwt" => {
            serde_json::to_string(&serde_json::from_str::<crate::protocol::messages::KeyProof>(payload).unwrap())
        }
        _ => serde_json::to_string(&serde_json::from_str::<crate::protocol::messages::BindClaims>(payload).unwrap()),
    };
    let again = again.unwrap();
    let members = |text: &str| serde_json::from_str::<serde_json::Map<String, Value>>(text).unwrap();
    let unknown = members(payload).keys().any(|member| !members(&again).contains_key(member));
    (!unknown).then(|| serde_json::value::RawValue::from_string(again).unwrap())
}

#[test]
fn every_request_vector_is_a_known_message() {
    let file = file("phone-request.json");
    for case in file["cases"].as_array().unwrap().iter().filter(|case| case["verdict"] == "good") {
        assert!(serde_json::from_str::<Message>(text(&case["payload"])).is_ok(), "{}", case["name"]);
    }
}

fn enrollment_key(enrollment: &Value) -> EnrollmentKey {
    EnrollmentKey::from_bytes(&bytes(&enrollment["key"])).unwrap()
}

/// Returns whether `mac` is the MAC of this kind of proof over these fields.
fn proof_holds(key: &EnrollmentKey, proof: &str, fields: &Value, mac: &[u8]) -> bool {
    let issuer = || text(&fields["issuer"]);
    match proof {
        "look_up" => key.look_up_mac(issuer(), text(&fields["id"]), &fixed(&fields["nonce"])) == mac,
        "look_up_answer" => key.check_look_up_answer(&fixed(&fields["nonce"]), text(&fields["body"]).as_bytes(), mac),
        "bind" => {
            let id = text(&fields["id"]);
            let (thumbprint, point) = (fixed(&fields["thumbprint"]), fixed(&fields["push_point"]));
            key.bind_mac(issuer(), id, &thumbprint, &point, &fixed(&fields["push_secret"])) == mac
        }
        "bind_answer" => key.check_bind_answer(&fixed(&fields["jti"]), text(&fields["body"]).as_bytes(), mac),
        "digits" => {
            let (thumbprint, point) = (fixed(&fields["thumbprint"]), fixed(&fields["push_point"]));
            key.digits_mac(issuer(), &thumbprint, &point) == mac
        }
        other => panic!("unknown proof {other}"),
    }
}

#[test]
fn proof_vectors_have_their_verdicts() {
    let file = file("proofs.json");
    for enrollment in file["enrollments"].as_array().unwrap() {
        let key = enrollment_key(enrollment);
        for name in ["look_up", "look_up_answer", "bind", "bind_answer", "digits"] {
            let proof = &enrollment[name];
            assert!(proof_holds(&key, name, &proof["fields"], &bytes(&proof["mac"])), "{} {name}", enrollment["name"]);
        }
        let fields = &enrollment["digits"]["fields"];
        let (thumbprint, point) = (fixed(&fields["thumbprint"]), fixed(&fields["push_point"]));
        assert_eq!(key.digits(text(&fields["issuer"]), &thumbprint, &point), text(&enrollment["digits"]["digits"]));
        if enrollment["name"] == "typed" {
            let (issuer, id, secret) = (&enrollment["issuer"], &enrollment["id"], &enrollment["secret"]);
            let made = EnrollmentKey::from_typed(text(issuer), text(id), text(secret)).unwrap();
            assert_eq!(made.to_bytes().expose().as_slice(), bytes(&enrollment["key"]));
        }
    }
    for wrong in file["wrong"].as_array().unwrap() {
        let key = enrollment_key(wrong);
        let holds = proof_holds(&key, text(&wrong["proof"]), &wrong["fields"], &bytes(&wrong["mac"]));
        assert!(!holds, "{}", wrong["name"]);
    }
    for thumbprint in file["thumbprints"].as_array().unwrap() {
        let jwk: Jwk = serde_json::from_value(thumbprint["jwk"].clone()).unwrap();
        let key = PublicKey::from_jwk(&jwk).unwrap();
        assert_eq!(key, PublicKey::from_sec1(&bytes(&thumbprint["point"])).unwrap());
        assert_eq!(key.thumbprint().to_vec(), bytes(&thumbprint["thumbprint"]));
    }
    let prompt = &file["prompt_sha256"];
    assert_eq!(digest(&SHA256, text(&prompt["jws"]).as_bytes()).as_ref(), bytes(&prompt["sha256"]));
}

#[test]
fn push_vectors_have_their_verdicts() {
    let (file, prompts) = (file("push.json"), file("phone-prompt.json"));
    let private = [bytes(&file["push_key"]["private"]), bytes(&file["push_key"]["auth"])].concat();
    let keys = PushKeys::from_bytes(&private).unwrap();
    assert_eq!(keys.point().to_vec(), bytes(&file["push_key"]["point"]));
    let good = each_case(&file, "cases", |case| {
        let Ok(plain) = keys.decrypt(&bytes(&case["message"])) else { return false };
        assert!(!matches!(text(&case["verdict"]), "form" | "decryption"), "{}", case["name"]);
        let jws = std::str::from_utf8(strip_padding(&plain)).unwrap_or_default();
        verify_push(jws, &audience(&prompts), now(&file)).is_ok()
    });
    assert_eq!(good, 5);
}

#[test]
fn inbox_vectors_have_their_verdicts() {
    let (file, pushes) = (file("inbox.json"), file("push.json"));
    let key_store = OneWrappedKey { wrapped: bytes(&file["wrapped"]), key: bytes(&file["snapshot_key"]) };
    let folder = tempfile::tempdir().unwrap();
    let open = |snapshot: &str| {
        std::fs::write(folder.path().join("snapshot"), snapshot).unwrap();
        Inbox::open(folder.path(), &key_store)
    };
    for wrong in file["wrong_files"].as_array().unwrap() {
        assert_eq!(open(text(&wrong["file"])).err(), Some(InboxError::Unreadable), "{}", wrong["name"]);
    }
    let inbox = open(text(&file["file"])).unwrap();
    let slot = bytes(&pushes["slot"]);
    let good = each_case(&pushes, "cases", |case| {
        let message = bytes(&case["message"]);
        let effect = inbox.push_received(&slot, &message, now(&pushes)).unwrap();
        let again = inbox.push_received(&slot, &message, now(&pushes)).unwrap();
        assert_eq!(again, PushEffect::Nothing, "accepted twice: {}", case["name"]);
        let of_another = inbox.push_received(b"another slot", &message, now(&pushes)).unwrap();
        assert_eq!(of_another, PushEffect::Nothing);
        effect != PushEffect::Nothing
    });
    assert_eq!(good, 5);
}

#[test]
fn inbox_account_vectors_have_their_verdicts() {
    let (file, pushes) = (file("inbox-account.json"), file("push.json"));
    let key_store = OneWrappedKey { wrapped: bytes(&file["wrapped"]), key: bytes(&file["inbox_key"]) };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("accounts")).unwrap();
    let open = |key_file: &str| {
        std::fs::write(folder.path().join("accounts/key"), key_file).unwrap();
        Inbox::open(folder.path(), &key_store)
    };
    for wrong in file["wrong_key_files"].as_array().unwrap() {
        assert_eq!(open(text(&wrong["file"])).err(), Some(InboxError::Unreadable), "{}", wrong["name"]);
    }
    let inbox = open(text(&file["key_file"])).unwrap();
    let (slot, message) = (bytes(&pushes["slot"]), bytes(&pushes["cases"][0]["message"]));
    let receive = |account: &Value| {
        std::fs::write(folder.path().join(text(&file["name"])), bytes(account)).unwrap();
        inbox.push_received(&slot, &message, now(&pushes))
    };
    for wrong in file["wrong_files"].as_array().unwrap() {
        assert_eq!(receive(&wrong["file"]), Err(InboxError::Unreadable), "{}", wrong["name"]);
    }
    let good = file["files"].as_array().unwrap();
    assert!(matches!(receive(&good[0]["file"]), Ok(PushEffect::Alert(_))));
    for case in good {
        assert_eq!(receive(&case["file"]), Ok(PushEffect::Nothing), "not recognized as repeated: {}", case["name"]);
    }
    assert_eq!(inbox.push_received(b"another slot", &message, now(&pushes)), Ok(PushEffect::Nothing));
}

/// Writes signed messages of the core, which the stock libraries then verify (`tests/interop`). The key store signs
/// outside the core, as on a platform.
#[test]
fn core_messages_are_written_for_stock_libraries() {
    let keys = crate::testing::FakeKeyStore::default();
    let point = keys.make("device".to_owned(), KeyGuard::AfterFirstUnlock).unwrap();
    let key = PublicKey::from_sec1(&point).unwrap();
    let mut messages = Vec::new();
    for (name, list) in SIGNED_BY_PHONE {
        let file = file(name);
        for case in file[list].as_array().unwrap().iter().filter(|case| case["verdict"] == "good") {
            let typ = text(case.get("typ").unwrap_or(&file["typ"]));
            let Some(made) = serialized_again(typ, text(&case["payload"])) else { continue };
            let thumbprint = base64url::encode(&key.thumbprint());
            let kid = match typ {
                "phone-request+jwt" => Some("the device"),
                "phone-answer+jwt" => Some(thumbprint.as_str()),
                _ => None,
            };
            let header = kid.map_or(HeaderKey::Jwk(&key), HeaderKey::Kid);
            let input = jose::signing_input(typ, header, &made).unwrap();
            let der = keys.sign("device".to_owned(), input.clone().into_bytes()).unwrap();
            let jws = jose::attach(&input, &jose::signature_from_der(&der).unwrap());
            let payload: Value = serde_json::from_str(made.get()).unwrap();
            messages.push(serde_json::json!({
                "typ": typ, "jws": jws, "jwk": key.to_jwk(), "kid": kid, "payload": payload,
            }));
        }
    }
    let left = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/interop");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("core.json"), serde_json::json!({ "messages": messages }).to_string()).unwrap();
}
